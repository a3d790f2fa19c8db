"""Who belongs to the group: a configuration, and the way from one to the next.

Source: Ongaro's thesis, chapter 4. A configuration travels as an entry of the log and holds from the moment that it is
appended, committed or not (section 4.1); an entry that is truncated takes its configuration with it. Here we depart
from etcd, where a change holds from its application.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sim.protocols.raft.quorum import Verdict, joint_index, joint_verdict


@dataclass(frozen=True, slots=True)
class Configuration:
    """`voters` decide. In joint consensus `outgoing` are the old voters, who decide as well; it is empty otherwise.

    `learners` receive the log and decide nothing (section 4.2.1).
    """

    voters: frozenset[str]
    outgoing: frozenset[str] = frozenset()
    learners: frozenset[str] = frozenset()

    @property
    def is_joint(self) -> bool:
        return bool(self.outgoing)

    @property
    def electorate(self) -> frozenset[str]:
        """All who vote, in one majority or the other."""
        return self.voters | self.outgoing

    @property
    def members(self) -> frozenset[str]:
        return self.electorate | self.learners

    def index_held(self, held: Mapping[str, int]) -> int:
        """The highest index that a quorum holds."""
        return joint_index((self.voters, self.outgoing), held)

    def verdict(self, votes: Mapping[str, bool]) -> Verdict:
        return joint_verdict((self.voters, self.outgoing), votes)

    def has_quorum(self, members: Collection[str]) -> bool:
        return self.verdict(dict.fromkeys(members, True)) == "won"

    def left(self) -> Configuration:
        """C_new, which ends the joint C_old,new."""
        return replace(self, outgoing=frozenset())


@dataclass(frozen=True, slots=True)
class Change:
    """What is asked for. Members of `add` become voters (learners are promoted), of `learners` learners.

    A change of at most one voter goes in a single step (section 4.1) unless `joint`; any other goes through joint
    consensus (section 4.3).
    """

    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()
    learners: frozenset[str] = frozenset()
    joint: bool = False

    def applied_to(self, current: Configuration) -> Configuration:
        """The configuration to append.

        Raises
        ------
        ValueError
            If no voter would be left, or one member is asked to be two things.
        """
        asked = [*self.add, *self.remove, *self.learners]
        if len(set(asked)) < len(asked):
            twice = sorted({member for member in asked if asked.count(member) > 1})
            raise ValueError(f"change: {', '.join(twice)} named twice; must be in one of add, remove, learners")
        voters = (current.voters | self.add) - self.remove - self.learners
        if not voters:
            raise ValueError("change: removes every voter; must leave at least one")
        learners = (current.learners | self.learners) - self.add - self.remove
        is_single = len(voters ^ current.voters) <= 1
        outgoing = frozenset() if is_single and not self.joint else current.voters
        return Configuration(voters, outgoing, learners)
