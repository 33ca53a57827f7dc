"""Crop policies judged on real images before any training."""

from tamecrop.audit.race import Contest as Contest, hold_race as hold_race, seconds as seconds
from tamecrop.audit.recommend import Recommendation as Recommendation
from tamecrop.audit.records import Audit as Audit, Audited as Audited, Race as Race
from tamecrop.audit.reference.choose import choose_by_boxes as choose_by_boxes
from tamecrop.audit.run import audit as audit
from tamecrop.audit.subject import Subject as Subject, find_subject as find_subject
