"""tamecrop: choose, judge and compare the crop policies of contrastive pre-training.

>>> import tamecrop as tc
>>> tc.policy("gcc:scale=0.4,alpha=1.5").draw((32, 32), index=[0], views=2).shape
(1, 2, 4)
"""

from tamecrop.on_demand import front

__all__, __getattr__, __dir__ = front(__name__, __file__, hidden=["audit"])
