"""tamecrop: choose, judge and compare the crop policies of contrastive pre-training."""

from tamecrop.audit.recommend import recommend as recommend
from tamecrop.audit.run import audit as audit
from tamecrop.data.sources import load as load
from tamecrop.geometry import boxes as boxes, expectations as expectations, parts as parts
from tamecrop.geometry.matching import match as match
from tamecrop.geometry.plans import ViewPlan as ViewPlan, plan as plan
from tamecrop.geometry.policy import Policy as Policy, policy as policy
from tamecrop.geometry.presets import PRESETS
from tamecrop.learning.evaluate import evaluate as evaluate
from tamecrop.learning.pretrain import pretrain as pretrain
from tamecrop.paper.prediction import predict as predict
from tamecrop.studies.compare import compare as compare
from tamecrop.version import VERSION
from tamecrop.views import datasets as datasets, transforms as transforms
from tamecrop.views.cut import cut as cut

__version__ = VERSION
presets = PRESETS
