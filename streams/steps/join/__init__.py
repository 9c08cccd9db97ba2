"""The reward join: a decision, its impression and its engagements become one reward.

A decision stands for a dwell period and may be met for as long, by its first impression, and by
engagements until a window after that is over. All is kept by viewer: an event is joined with what
its own viewer was assigned, and with nothing else. Counters of events end in `_impressions` or
`_plays` (engagements of all kinds); what each means in plain words is in `steps.reasons`.

| what comes | effect | counter |
|---|---|---|
| a decision that was logged before | the first stands | repeat_decisions |
| a decision beyond what is remembered of a viewer | teaches nothing | beyond_bound |
| a decision from before its viewer was erased | dropped | erased |
| a decision whose impression never comes | teaches nothing | unseen |
| an event before its decision | waits for it | early_* |
| ... and the decision never comes | dropped | orphaned_* |
| ... and an engagement that names none meets none, or no room | moves only taste | unasked_plays |
| ... and too many of the viewer wait already | dropped | crowded_* |
| ... and too many of the lane wait, and it has waited longest | dropped | crowded_* |
| an event that names no id of a decision | dropped | orphaned_* |
| an event that names another viewer's decision, or another title's | moves nothing | foreign_* |
| an event for another artwork than the decision's | none on the reward | other_artwork_* |
| a second impression, or one after the window | none | repeat_impressions |
| an engagement with the id of an earlier one | none | repeat_plays |
| an engagement beyond 32 of one decision | none | crowded_plays |
| an engagement whose decision is not seen in time | none | unseen_plays |
| an engagement outside the window | none on the reward | outside_window_plays |
| an engagement after its window was closed | none on the reward | late_plays |
| clocks leave open whether an engagement was inside | no reward | clock_doubt |
| the site's own definition of reward fails | no reward | reward_failed |
| an open window of a viewer who was erased | dropped | erased |
| a reward beyond the viewer's hourly bound | not learned from | limited |
| a reward that is in the log, in a rebuild | not made again | rewarded_already |

The bound on rewards counts by the hour in which the log had the impression, so no claimed time
moves it; what an erased viewer had taught in that hour stays on, without the viewer (`Traces`).
"""

from keyart.streams.steps.join.batch import JoinBatch, is_foreign, wanted
from keyart.streams.steps.join.logged import Early, Logged
from keyart.streams.steps.join.rules import JoinRules

__all__ = [
    "Early",
    "JoinBatch",
    "JoinRules",
    "Logged",
    "is_foreign",
    "wanted",
]
