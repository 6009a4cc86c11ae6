"""The command line of the lab: run stage tests, replay one run, read a trace.

Exit codes: 0 all passed, 1 something failed, 2 wrong usage, 3 an error of the lab itself.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from labs.again import kept
from labs.engine import where
from labs.engine.unavailable import Unavailable
from labs.raft.stages import catalogue
from labs.report import coverage, failures, green, json_files, numbers, plan, results, streams, table, trace_text, typed
from labs.report.page import keep
from labs.report.page.write import write_page
from labs.schedule import folder
from labs.schedule.text import BadSchedule
from labs.sim.hosts.base import HostsUnavailable
from labs.sim.loader.program import BadSubmission
from labs.testing.scenario import Scenario
from labs.warmup.lab import RULES_OF_ALL

if TYPE_CHECKING:
    from labs.engine.session import Session
    from labs.engine.stages import OnFailure
    from labs.testing.run import RunRecord

PASSED, FAILED, USAGE, OUR_ERROR = range(4)
MOST_NAMES = 8
"""How many tests are listed if a name fits several."""


class Usage(Exception):
    """The command was called wrongly; the text explains what to do."""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line: what is wrong, and where to read more."""

    def error(self, message: str) -> NoReturn:
        name = self.prog.rpartition(" -m ")[2]
        self.exit(USAGE, f"{name}: {message.removeprefix('argument ')}; see: {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    streams.take_every_character()
    parser = _parser()
    options = parser.parse_args(argv)
    try:
        if getattr(options, "json", None):
            _check_writable(options.json)
        return int(options.run(options))
    except (Usage, BadSubmission, HostsUnavailable, kept.NothingKept, BadSchedule, Unavailable) as error:
        print(f"labs {options.command}: {error}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PASSED
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    except Exception:
        traceback.print_exc()
        print("labs: this is an error of the lab, not of the submission", file=sys.stderr)
        return OUR_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=typed.labs(), description="Run and read tests of Raft servers.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    test = commands.add_parser("test", help="run the drills and tests of stages against a submission")
    _add_test_options(test)
    _add_step(test)
    test.set_defaults(run=_test, kinds=catalogue.JUDGED)

    drills = commands.add_parser("drills", help="run the drills only: a single server, one rule of Figure 2 each")
    _add_test_options(drills)
    _add_step(drills)
    drills.set_defaults(run=_test, kinds=("drills",))

    again = commands.add_parser("again", help="repeat what failed last, then try fresh seeds of what passes now")
    _add_rerun_options(again)
    again.set_defaults(run=_again)

    watch = commands.add_parser("watch", help="do that on every save, until Ctrl-C")
    watch.add_argument("stages", nargs="*", metavar="STAGE", help="first run the drills and tests of these stages")
    _add_rerun_options(watch)
    watch.set_defaults(run=_watch)

    perf = commands.add_parser("perf", help="measure what your server costs, beside the reference's figures")
    _add_test_options(perf)
    perf.add_argument("--alias", metavar="NAME", help="put the record on your class's leaderboard, under this name")
    perf.set_defaults(run=_perf, kinds=("perf",))

    cover = commands.add_parser("coverage", help="run stage tests, and show which situations they reach")
    _add_test_options(cover)
    cover.set_defaults(run=_coverage, kinds=("test",), counted=True)

    _add_readers(commands)

    submit = commands.add_parser("submit", help="pack what you hand in, and check it")
    _add_path(submit)
    submit.add_argument("--out", type=Path, default=Path("out/raft.zip"), metavar="FILE", help="the zip (out/raft.zip)")
    submit.set_defaults(run=_submit)
    _add_explorer(commands)

    shown = commands.add_parser("github", help="show the failures of a results file in a job of GitHub Actions")
    shown.add_argument("file", type=Path, metavar="FILE", help="as labs test --json FILE leaves it")
    shown.set_defaults(run=_github)

    listing = commands.add_parser("list", help="list the tests, with points and counterparts")
    listing.add_argument("stages", nargs="*", metavar="STAGE")
    listing.add_argument("--drills", dest="kind", action="store_const", const="drills", default="test")
    listing.add_argument("--perf", dest="kind", action="store_const", const="perf", help="the performance tests")
    listing.set_defaults(run=_list)

    bench = commands.add_parser("bench", help="measure the lab itself: speed, memory, growth")
    bench.add_argument(
        "--submission", metavar="PATH", help="the server that runs the stages (reference, if it is there)"
    )
    bench.add_argument("--quick", action="store_true", help="a smaller amount of everything, once")
    bench.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    bench.set_defaults(run=_bench)
    return parser


def _add_readers(commands: argparse._SubParsersAction[_Parser]) -> None:
    """Add the commands that show single runs."""
    replay = commands.add_parser("replay", help="repeat one test with one seed, keep its trace, print its end")
    replay.add_argument("test", metavar="TEST", help="a test's id, such as 2C/figure_8, or a schedule's file")
    replay.add_argument("--seed", type=numbers.seed, help="the seed (1; a schedule has its own)")
    _add_submission(replay)
    _add_filters(replay)
    replay.set_defaults(run=_replay)

    play = commands.add_parser("play", help="play with a live cluster of your servers, in the browser")
    words = "a test's id, whose run is played; or a schedule's file; without it a cluster that nothing disturbs"
    play.add_argument("what", nargs="?", default="", metavar="TEST-OR-FILE", help=words)
    _add_path(play)
    play.add_argument("--seed", type=numbers.seed, help="the seed (1)")
    play.add_argument("--stage", choices=catalogue.RAFT_STAGES, help="whose rules are checked (your latest green one)")
    play.add_argument("--servers", type=int, choices=range(1, 8), default=5, help="how many servers (5)")
    play.set_defaults(run=_play)

    page = commands.add_parser("page", help="write the page of a run: a diagram of it, to open in a browser")
    words = "a test's id, which is run; or a trace file, as replay leaves it in out/"
    page.add_argument("run_of", metavar="TEST-OR-FILE", help=words)
    page.add_argument("--seed", type=numbers.seed)
    _add_submission(page)
    page.set_defaults(run=_page)

    trace = commands.add_parser("trace", help="print a trace for reading")
    trace.add_argument("file", type=Path, metavar="FILE", help="a trace file, as replay leaves it in out/")
    _add_filters(trace)
    trace.set_defaults(run=_trace)

    diff = commands.add_parser("diff", help="show two runs side by side, and write the page of both")
    diff.add_argument("first", metavar="A", help="a trace file, TEST/SEED, or TEST/SEED/SUBMISSION")
    words = "the same, or only a seed, or only a submission; without it the nearest seed with the other verdict"
    diff.add_argument("second", nargs="?", metavar="B", help=words)
    _add_submission(diff)
    diff.set_defaults(run=_diff)


def _add_explorer(commands: Any) -> None:
    explore = commands.add_parser("explore", help="search for a schedule that your server fails, and make it small")
    explore.add_argument("stage", metavar="STAGE", help="2A 2B 2C 2D: whose rules, and with which faults")
    explore.add_argument("--time", type=numbers.seconds, default=60.0, metavar="S", help="wall seconds to search (60)")
    explore.add_argument("--seed", type=numbers.seed, default=1, help="the seed of the search (1)")
    _add_path(explore)
    explore.add_argument("--jobs", type=numbers.positive, default=os.cpu_count() or 1, help="processes (one per core)")
    explore.add_argument("--scheduler", type=where.scheduler, default="", metavar="URL", help=where.HELP)
    explore.add_argument(
        "--exhaustive", action="store_true", help="not at random: every order of three servers' messages and faults"
    )
    explore.set_defaults(run=_explore)

    shrink = commands.add_parser("shrink", help="take a failing run as a schedule, and make that small")
    shrink.add_argument("test", metavar="TEST", help="a test's id, such as 2C/figure_8, or a schedule's file")
    shrink.add_argument("--seed", type=numbers.seed, default=1, help="the seed with which the test fails (1)")
    _add_path(shrink)
    shrink.set_defaults(run=_shrink)

    kept_as = commands.add_parser("keep", help="keep the schedule that was found last: labs test runs it from now on")
    kept_as.add_argument("name", metavar="NAME", help="its name in schedules/")
    kept_as.add_argument("--file", type=Path, metavar="FILE", help="another schedule than the one that was found last")
    _add_path(kept_as)
    kept_as.set_defaults(run=_keep)


def _add_test_options(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(counted=False)
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="2A 2B 2C 2D warmup; all four by default")
    _add_submission(parser)
    parser.add_argument("--seed", type=numbers.seed, default=1, help="the first seed (1)")
    parser.add_argument(
        "--runs", type=numbers.positive, default=5, help="seeds for each test, counting up from the first (5)"
    )
    words = "only tests with this text in their id or title; several with commas between them"
    parser.add_argument("--test", default="", metavar="TEXT", help=words)
    _add_processes(parser)
    parser.add_argument("--scheduler", type=where.scheduler, default="", metavar="URL", help=where.HELP)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write one record per run")
    parser.add_argument("-v", "--verbose", action="store_true", help="one line per run, and wall times")


def _add_step(parser: argparse.ArgumentParser) -> None:
    words = "only the drills of this step of the stage's plan"
    parser.add_argument("--step", type=numbers.positive, metavar="N", help=words)


def _add_rerun_options(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(counted=False, scheduler="")
    _add_submission(parser)
    words = "fresh seeds for each test that passes now (20)"
    parser.add_argument("--runs", type=numbers.positive, default=20, help=words)
    _add_processes(parser)


def _add_processes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--jobs",
        type=numbers.count,
        default=os.cpu_count() or 1,
        help="processes on this machine (one per core); 0: run in this process",
    )
    parser.add_argument(
        "--limit",
        type=numbers.seconds,
        default=30.0,
        metavar="S",
        help="CPU seconds after which a run counts as stalled (30)",
    )


def _add_path(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--submission", default="skeleton", metavar="PATH", help="folder with raft.py, or one file")


def _add_submission(parser: argparse.ArgumentParser) -> None:
    _add_path(parser)
    words = "where servers run: all in one process, or each in its own (default: inline)"
    parser.add_argument("--hosts", choices=["inline", "process"], default="inline", help=words)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--server", type=_numbers, metavar="N,N", help="only events at these servers")
    parser.add_argument("--kind", type=_kinds, metavar="K,K", help="only these kinds: send,deliver,save,apply,note,…")
    parser.add_argument("--from", dest="begin", type=numbers.seconds, metavar="T", help="from this virtual time on")
    parser.add_argument("--to", dest="end", type=numbers.seconds, metavar="T", help="up to this virtual time")
    parser.add_argument("--all", action="store_true", help="the whole run, not only the last seconds before its end")


def _numbers(text: str) -> list[int]:
    return [numbers.count(word) for word in text.split(",")]


def _kinds(text: str) -> list[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in trace_text.KINDS:
            raise argparse.ArgumentTypeError(f"there are no events {word!r}; kinds are {', '.join(trace_text.KINDS)}")
    return words


def _check_writable(path: Path) -> None:
    """Find out before the work, not after it, whether the results can be written."""
    try:
        json_files.check_writable(path)
    except OSError as error:
        raise Usage(f"cannot write {path}: {error.strerror}") from None


def _test(options: argparse.Namespace) -> int:
    chosen, session = _run(options, keep.keep_page)
    points = {scenario.id: scenario.points for scenario in chosen}
    found = results.collect(str(options.submission), session.records, points)
    change = green.changed(options.submission, session.records, options.runs)
    if not session.interrupted:  # what has not run again is as red as before
        kept.remember(options.submission, session.records, options.seed + options.runs)
    print(
        table.render(chosen, session.records, options.submission, options.verbose, change, keep.kept(session.records))
    )
    if options.json:
        json_files.write_json(options.json, found)
    return _exit_code(session, {record.status for record in session.records})


def _perf(options: argparse.Namespace) -> int:
    from labs.bench import cpu
    from labs.report import performance

    chosen, session = _run(options)
    seeds = [options.seed + number for number in range(options.runs)]
    found = performance.with_cpu(chosen, session.records, lambda: cpu.ratio(options.submission))
    path = options.json or (performance.file_of(options.alias) if options.alias else None)
    if path:
        record = performance.Performance(str(options.submission), seeds, found, session.records, options.alias)
        json_files.write_json(path, record)
    print(performance.render(chosen, session.records, found, options.submission))
    if options.alias:
        print(f"for the leaderboard, as {options.alias!r}: {path}")
    return _exit_code(session, {record.status for record in session.records})


def _coverage(options: argparse.Namespace) -> int:
    chosen, session = _run(options)
    print(coverage.render(session.records))
    if options.json:
        json_files.write_json(options.json, {"runs": session.records})
    return _exit_code(session, {"fail"} if coverage.is_short(chosen, session.records) else set())


def _run(options: argparse.Namespace, on_failure: OnFailure | None = None) -> tuple[list[Scenario], Session]:
    """Run the tests that the options choose."""
    from labs.engine.session import run_tests, seeds_of

    stages = _known(options.stages) or catalogue.RAFT_STAGES
    everything = [s for stage in stages for kind in options.kinds for s in catalogue.scenarios(stage, kind)]
    if options.command == "test":
        everything += folder.kept(stages)
    if getattr(options, "step", None) is not None:
        drills = _step(stages, options.step).drills
        everything = [scenario for scenario in everything if scenario.id in drills]
    try:
        chosen = catalogue.choose(everything, options.test)
    except catalogue.Unmatched as error:
        there = {scenario.id for scenario in everything}
        near = [scenario.id for scenario in catalogue.near(error.word) if scenario.id in there]
        close = f"; close to it: {', '.join(near)}" if near else ""
        flag = {("drills",): " --drills", ("perf",): " --perf"}.get(options.kinds, "")
        place = f"id or title{close}; see: {typed.labs()} list{flag}"
        step = f", step {options.step}," if getattr(options, "step", None) else ""
        raise Usage(f"nothing in {' '.join(stages)}{step} has {error.word!r} in its {place}") from None
    if on_failure is not None:
        keep.forget((scenario.id, seed) for scenario in chosen for seed in seeds_of(scenario, options))
    return chosen, run_tests(chosen, options, on_failure)


def _step(stages: Sequence[str], number: int) -> plan.Step:
    """Return a step of the plan of the only stage."""
    if len(stages) != 1:
        raise Usage(f"step {number} of which stage? As in  make drills STAGE=2A STEP={number}")
    steps = plan.steps(stages[0])
    if number > len(steps):
        there = f"has {len(steps)} steps" if steps else "has no plan in handouts/"
        raise Usage(f"there is no step {number}: {stages[0]} {there}")
    return steps[number - 1]


def _known(words: list[str]) -> list[str]:
    """Return the given stages, each once, if all of them exist; make passes STAGE="2A 2B" as one word."""
    stages = list(dict.fromkeys(stage for word in words for stage in word.split()))
    for stage in stages:
        if catalogue.file_of(stage) is None:
            raise Usage(f"there is no stage {stage!r}; stages are {', '.join(catalogue.STAGES)}")
    return stages


def _exit_code(session: Session, statuses: set[str]) -> int:
    if session.interrupted:
        print("stopped before the end: the table shows what had been run", file=sys.stderr)
        return 130
    if "grader-error" in statuses:
        return OUR_ERROR
    return FAILED if statuses - {"pass"} else PASSED


def _again(options: argparse.Namespace) -> int:
    from labs.again import answer, rerun

    last = kept.read(options.submission)
    if not last.red and not last.fixed:
        print("nothing failed in the last run")
        return PASSED
    if not rerun.chosen(one.test for one in (*last.red, *last.fixed)):
        raise Usage(f"the tests in {kept.FILE} are no longer there: {kept.REPLACED}")
    try:
        found = rerun.rerun(last, options)
    except BadSubmission as error:  # `labs watch` shows it on every save of a file that is not finished
        raise Usage(" ".join(str(error).split())) from None
    kept.write(found.after)
    print(answer.render(found, options.submission))
    statuses = {record.status for record in (*found.old, *found.fresh)}
    return OUR_ERROR if "grader-error" in statuses else FAILED if found.after.red else PASSED


def _watch(options: argparse.Namespace) -> int:
    from labs.again import watch

    submission = Path(options.submission)
    if not submission.exists():
        raise Usage(f"there is no {submission}. Give a folder with raft.py, or one file")
    stages = _known(options.stages)
    shared = ["--submission", options.submission, "--hosts", options.hosts, "--jobs", str(options.jobs)]
    shared += ["--limit", str(options.limit)]
    test, again = ["test", *stages, *shared], ["again", *shared, "--runs", str(options.runs)]
    watch.run(submission, test if stages else again, lambda: test if stages and not _is_known(submission) else again)
    return PASSED


def _is_known(submission: Path) -> bool:
    """Return whether there is something to repeat for a submission."""
    try:
        last = kept.read(str(submission))
    except kept.NothingKept:
        return False
    return bool(last.red or last.fixed)


def _replay(options: argparse.Namespace) -> int:
    scenario = _one_test(options.test)
    record, path, page = _run_once(scenario, options)
    verdict = table.render_one(record, options.submission)
    file = path.as_posix()
    files = f"digest  {record.digest}\ntrace   {file}\npage    {page.as_posix()}\nall     make trace FILE={file}"
    trace_text.show(path, _filter(options), f"{verdict}\n{files}")
    return {"pass": PASSED, "grader-error": OUR_ERROR}.get(record.status, FAILED)


def _run_once(scenario: Scenario, options: argparse.Namespace) -> tuple[RunRecord, Path, Path]:
    """Run a scenario in this process; return its record, and the files of its trace and of its page."""
    from labs import submit
    from labs.engine import replay

    default = scenario.own_seed if scenario.own_seed is not None else 1
    seed = default if options.seed is None else options.seed
    path, page = keep.trace_file(scenario.id, seed), keep.page_file(scenario.id, seed)
    _check_writable(path)
    partial = path.with_suffix(f".{os.getpid()}.partial")

    def leave(record: RunRecord) -> NoReturn:
        partial.unlink(missing_ok=True)
        unpacked.close()
        _leaving(options)(record)

    unpacked = contextlib.ExitStack()
    try:
        with unpacked, partial.open("wb") as file:
            submission = unpacked.enter_context(submit.opened(Path(options.submission)))
            record = replay.replay(scenario, submission, options.hosts, seed, file, leave)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    write_page(page, path, scenario.lab.rules, record)
    return record, path, page


def _page(options: argparse.Namespace) -> int:
    if options.run_of.endswith(".jsonl"):
        path = Path(options.run_of)
        page = Path("out") / f"{path.name.removesuffix('.jsonl').removesuffix('.trace')}.html"
        _check_writable(page)
        with _readable(path):
            write_page(page, path, RULES_OF_ALL)
        print(page.as_posix())
        return PASSED
    scenario = _one_test(options.run_of)
    record, _, page = _run_once(scenario, options)
    print(f"{table.render_one(record, options.submission)}\npage    {page.as_posix()}")
    return OUR_ERROR if record.status == "grader-error" else PASSED


def _github(options: argparse.Namespace) -> int:
    """Print annotations, and add to the summary that the runner names; outside of a job the summary is printed."""
    import msgspec

    from labs.raft.rules import RULES
    from labs.report import github

    try:
        found = msgspec.json.decode(options.file.read_bytes(), type=results.Results)
    except (OSError, msgspec.MsgspecError) as error:
        raise Usage(f"cannot read the results {options.file}: {error}") from None
    pages = sorted(path.name for path in options.file.parent.glob("*.html"))
    text = github.summary(found.runs, options.file.stem, RULES, pages)
    print("\n".join(github.annotate(found.runs, Path(found.submission), RULES)))
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(summary, "a", encoding="utf-8") as file:
            file.write(text)
    else:
        print(text, end="")
    return PASSED


def _submit(options: argparse.Namespace) -> int:
    from labs import submit
    from labs.testing.run import run_scenario

    _check_writable(options.out)
    names = submit.pack(Path(options.submission), options.out)
    with submit.opened(options.out) as folder:  # as the grader sees it
        record = run_scenario(catalogue.scenarios("2A", "drills")[0], folder, 1)
    print(f"{options.out}: {', '.join(names)}; hand in this file")
    if record.status == "error":
        options.out.unlink()
        raise Usage(f"{options.submission} cannot be graded like this: {record.message}")
    return PASSED


def _explore(options: argparse.Namespace) -> int:
    from labs.explore import command

    if options.stage not in catalogue.RAFT_STAGES:
        raise Usage(f"there is no stage {options.stage!r} to explore; stages are {', '.join(catalogue.RAFT_STAGES)}")
    explore, more = command.explore, f"another search: SEED={options.seed + 1}, or a longer TIME"
    if options.exhaustive:
        from labs.explore.orders.command import explore

        more = "with a longer TIME it goes deeper"
    submission, jobs = Path(options.submission), options.jobs
    found = explore(submission, options.stage, options.time, options.seed, jobs, options.scheduler)
    if found is None:
        print(f"found nothing; {more}")
        return PASSED
    print(f"\n{command.show(found, options.submission)}")
    return OUR_ERROR if found.status == "grader-error" else FAILED


def _shrink(options: argparse.Namespace) -> int:
    from labs.explore import command

    scenario = _one_test(options.test)
    found = command.shrink(Path(options.submission), scenario.id, options.seed)
    if found.schedule is None:  # it cannot be recorded, or has ended its process
        raise Usage(f"there is nothing to make small: {found.message}")
    if found.status == "pass":
        print(command.why_not(found, scenario.id, options.seed))
        return PASSED
    print(command.show(found, options.submission))
    return OUR_ERROR if found.status == "grader-error" else FAILED


def _keep(options: argparse.Namespace) -> int:
    from labs.explore import command

    if not re.fullmatch(r"[\w-]+", options.name):
        raise Usage(f"{options.name!r} is not a name for a file: use letters, digits, - and _")
    if not options.file and not command.LAST.exists():
        raise Usage("nothing was found yet; make explore and make shrink leave something to keep")
    path = command.keep(options.name, options.file or command.LAST)
    option = failures.chosen(options.submission)
    print(f"kept as {path}: make test runs it from now on\nreplay  make replay TEST={path}{option}")
    return PASSED


def _one_test(name: str) -> Scenario:
    """Return the single test that a name means, or the schedule in a file."""
    if folder.is_schedule(name):
        return folder.find(name)
    found = catalogue.find(name)
    if len(found) == 1:
        return found[0]
    if not found:
        near = ", ".join(scenario.id for scenario in catalogue.near(name))
        close = f"; close to it: {near}" if near else ""
        raise Usage(f"there is no test {name!r}{close}; all of them: {typed.labs()} list")
    names = ", ".join(scenario.id for scenario in found[:MOST_NAMES])
    more = f" and {len(found) - MOST_NAMES} more" if len(found) > MOST_NAMES else ""
    raise Usage(f"{name!r} is in the ids of {len(found)} tests: {names}{more}; type one of these")


def _play(options: argparse.Namespace) -> int:
    from labs.play import command
    from labs.schedule import recording, text

    submission, seed = Path(options.submission), 1 if options.seed is None else options.seed
    if not options.what:
        stage = options.stage or green.stage_of(options.submission)
        return command.play(command.free(stage, options.servers, seed), submission)
    if folder.is_schedule(options.what):
        return command.play(text.load(Path(options.what)), submission)
    try:
        schedule, record = command.recorded(_one_test(options.what), submission, seed, _leaving(options))
    except recording.NotRecordable as error:
        raise Usage(str(error)) from None
    if record.rule == "NoStall":  # this process is spoiled
        print(table.render_one(record, options.submission))
        return FAILED
    return command.play(schedule, submission)


def _leaving(options: argparse.Namespace) -> Callable[[RunRecord], NoReturn]:
    """Return what prints the record of a run that cannot be ended, and ends the process."""
    from labs.engine import replay

    def leave(record: RunRecord) -> NoReturn:
        print(table.render_one(record, options.submission))
        replay.end_process(FAILED)

    return leave


def _diff(options: argparse.Namespace) -> int:
    from labs.compare import command

    leave = _leaving(options)
    try:
        print(command.compare(options.first, options.second, options.submission, options.hosts, _one_test, leave))
    except command.Unclear as error:
        raise Usage(str(error)) from None
    return PASSED


def _trace(options: argparse.Namespace) -> int:
    with _readable(options.file):
        trace_text.show(options.file, _filter(options))
    return PASSED


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn the errors of reading a trace file into usage errors."""
    from labs.trace.reader import BadTrace

    try:
        yield
    except BrokenPipeError:
        raise
    except FileNotFoundError:
        kept = sorted(path.as_posix() for path in Path("out").glob("*.trace.jsonl"))
        there = (
            f"there are {', '.join(kept[:MOST_NAMES])}" if kept else "make replay TEST=... SEED=... leaves one in out/"
        )
        raise Usage(f"there is no file {path}; {there}") from None
    except OSError as error:
        raise Usage(f"cannot read {path}: {error.strerror}") from None
    except BadTrace as error:
        raise Usage(str(error)) from None


def _filter(options: argparse.Namespace) -> trace_text.Filter:
    return trace_text.Filter(options.server, options.kind, options.begin, options.end, options.all)


def _list(options: argparse.Namespace) -> int:
    stages: list[str | None] = [*_known(options.stages)] or [None]
    chosen = [s for stage in stages for s in catalogue.scenarios(stage, options.kind)]
    print(table.render_list(chosen))
    return PASSED


def _bench(options: argparse.Namespace) -> int:
    from labs.bench.command import bench

    return bench(options.submission, options.quick, options.json)
