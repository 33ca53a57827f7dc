"""Crop policies judged on real images before any training."""

from tamecrop.audit.halving import Contest as Contest, seconds as seconds
from tamecrop.audit.recommend import Recommendation as Recommendation, Round as Round
from tamecrop.audit.records import Audit as Audit, Audited as Audited
from tamecrop.audit.reference.choose import choose_by_boxes as choose_by_boxes
from tamecrop.audit.run import audit as audit
from tamecrop.audit.subject import Subject as Subject, find_subject as find_subject
