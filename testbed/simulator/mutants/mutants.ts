/** One defect for each promise of DESIGN §3, and some for those that have several sides. */

import type { Edit, Mutant } from './mutant.ts';

const edit = (file: string, from: string, to: string): Edit => ({ file, from, to });

export const mutants: readonly Mutant[] = [
  {
    name: 'takes-a-held-route',
    invariant: 'I1',
    edits: [
      edit('activities/preflight.js', 'if (await ports.rollouts.isRunning(claim))', 'if (false)'),
      edit('activities/effects.js', '!(await ports.rollouts.isRunning(claim))', 'true'),
    ],
    seeds: [150],
  },
  {
    name: 'rises-onto-what-is-not-ready',
    invariant: 'I2',
    edits: [edit('providers/targets/caddy/shares.js', 'decision !== null && !decision.urgent', 'false')],
    seeds: [222],
  },
  {
    name: 'does-not-bake',
    invariant: 'I3',
    edits: [
      edit('workflows/steps.js', "await run.until(() => run.state.bake === 'clean' && run.state.held === null);", ''),
      edit('workflows/steps.js', "await run.until(() => state.bake === 'clean');", ''),
    ],
    seeds: [4],
  },
  {
    name: 'ignores-a-failed-smoke',
    invariant: 'I3',
    edits: [edit('workflows/steps.js', 'if (!report.passed) {', 'if (false) {')],
    seeds: [69],
  },
  {
    name: 'does-not-ask-again-after-a-step-back',
    invariant: 'I3',
    also: ['I9'],
    edits: [edit('workflows/step-back.js', 'return index > to ||', "return (index > to && part !== 'gates') ||")],
    seeds: [1179],
  },
  {
    name: 'has-no-fence',
    invariant: 'I4',
    also: ['I1', 'I3'],
    edits: [
      edit('providers/targets/effects.js', 'order.fence < claim.fence', 'false'),
      edit('providers/targets/effects.js', "claim.stage.kind === 'back'", 'false'),
    ],
    seeds: [153],
  },
  {
    name: 'writes-on-old-news',
    invariant: 'I4',
    also: ['I1', 'I2', 'I3', 'I5'],
    edits: [edit('providers/targets/caddy/admin.js', ", 'if-match': etag", '')],
    seeds: [272],
  },
  {
    name: 'believes-a-proxy-that-has-forgotten',
    invariant: 'I4',
    edits: [edit('workflows/orphan.js', 'Math.max(found, input.fence ?? 0)', 'found')],
    seeds: [3147],
  },
  {
    name: 'goes-back-to-a-dead-stable',
    invariant: 'I5',
    edits: [edit('activities/to-zero.js', 'input.mayBeGone || !isReady(before, order)', 'false')],
    seeds: [203],
  },
  {
    name: 'leaves-the-release-behind',
    invariant: 'I5',
    also: ['I1'],
    edits: [edit('workflows/revert.js', 'await cleanUp(run);', '')],
    seeds: [3],
  },
  {
    name: 'asks-metrics-before-it-goes-back',
    invariant: 'I6',
    edits: [
      edit(
        'activities/zero.js',
        'const doors =',
        "await ports.metrics('prometheus').ping(signal);\n        const doors =",
      ),
    ],
    seeds: [3],
  },
  {
    name: 'takes-missing-data-for-good',
    invariant: 'I7',
    edits: [
      edit(
        'judge/judge.js',
        'return { verdict: weighed.verdict, sentence, memory: interrupt(before) };',
        "return { verdict: 'pass', sentence, memory: interrupt(before) };",
      ),
    ],
    seeds: [71],
  },
  {
    name: 'takes-missing-data-for-bad',
    invariant: 'I7',
    edits: [
      edit(
        'judge/judge.js',
        'return { verdict: weighed.verdict, sentence, memory: interrupt(before) };',
        "return { verdict: 'fail', sentence, memory: interrupt(before) };",
      ),
    ],
    seeds: [16],
  },
  {
    name: 'takes-a-missing-rule-for-no-alert',
    invariant: 'I7',
    edits: [
      edit('judge/alert.js', '!(sample.rules > 0 || sample.firing > 0)', 'false'),
      edit('providers/metrics/prometheus-alerts.js', 'return doubt === null ?', 'return true ?'),
    ],
    seeds: [865],
  },
  {
    name: 'forgets-criteria-while-paused',
    invariant: 'I8',
    edits: [
      edit('workflows/guard.js', 'criteria: plan.criteria,', 'criteria: state.paused === null ? plan.criteria : [],'),
    ],
    seeds: [1],
  },
  {
    name: 'lets-criteria-be-loosened',
    invariant: 'I8',
    edits: [
      edit(
        'plan/edit-criteria.js',
        "edited < old : from.breach.op.startsWith('<')",
        "edited !== old : from.breach.op.startsWith('<')",
      ),
    ],
    seeds: [54],
  },
  {
    name: 'counts-approvals-of-other-evidence',
    invariant: 'I9',
    edits: [edit('approvals/decide.js', 'bound && input.evidenceDigest !== evidence.digest', 'false')],
    seeds: [16],
  },
  {
    name: 'counts-approvals-of-other-plans',
    invariant: 'I9',
    edits: [edit('approvals/decide.js', 'input.planDigest !== facts.planDigest', 'false')],
    seeds: [16],
  },
  {
    name: 'counts-approvals-of-strangers',
    invariant: 'I9',
    edits: [
      edit('approvals/decide.js', '!proof.roles.some((role) => asked.includes(role))', 'false'),
      edit('approvals/quorum.js', 'people[person]?.roles.includes(role) ?? false', 'true'),
    ],
    seeds: [8],
  },
  {
    name: 'counts-one-person-twice',
    invariant: 'I9',
    edits: [
      edit(
        'approvals/decide.js',
        'return latest?.kind === input.decision && latest.soakMs === input.soakMs;',
        'return false;',
      ),
      edit('approvals/quorum.js', 'latest.set(decision.person, decision)', 'latest.set(String(latest.size), decision)'),
    ],
    seeds: [78],
  },
  {
    name: 'falls-over-a-message',
    invariant: 'I10',
    edits: [
      edit(
        'workflows/parse.js',
        "typeof raw !== 'object' || raw === null || !Object.hasOwn(raw, name)",
        '!(name in raw)',
      ),
    ],
    seeds: [18],
  },
  {
    name: 'waits-until-people-are-told',
    invariant: 'I11',
    edits: [
      edit('workflows/revert.js', "void run.announce('P0', 'turned-back'", "await run.announce('P0', 'turned-back'"),
    ],
    seeds: [3],
  },
  {
    name: 'repeats-what-a-service-says',
    invariant: 'I12',
    edits: [
      edit(
        'providers/smoke/runner.js',
        'redact(run, response.body).slice(0, shownBody)',
        'response.body.slice(0, shownBody)',
      ),
    ],
    seeds: [170],
  },
  {
    name: 'believes-what-it-wrote',
    invariant: 'I13',
    also: ['I1', 'I5'],
    edits: [
      edit('providers/targets/caddy/change.js', 'if (carries(after, decision.claim))', 'if (true)'),
      edit('activities/to-zero.js', 'await untilZero(clock, target, order, signal);', ''),
    ],
    seeds: [223],
  },
  {
    name: 'has-a-guardian-that-does-not-look',
    invariant: 'I14',
    edits: [
      edit(
        'activities/guard-look.js',
        'of await ports.runs.orphaned()',
        'of await ports.runs.orphaned().then(() => [])',
      ),
    ],
    seeds: [109],
  },
  {
    name: 'has-a-guardian-that-looks-at-the-wrong-run',
    invariant: 'I14',
    edits: [edit('activities/guard-look.js', 'latest.run !== run ||', 'latest.run === run ||')],
    seeds: [109],
  },
  {
    name: 'waits-until-its-record-is-kept',
    invariant: 'archive',
    edits: [edit('workflows/record.js', '.startChild)(', '.executeChild)(')],
    seeds: [24],
  },
  {
    name: 'believes-that-its-record-is-kept',
    invariant: 'archive',
    edits: [edit('providers/archive/webhook.js', 'if (status >= 200 && status < 300)', 'if (status > 0)')],
    seeds: [80],
  },
  {
    name: 'takes-a-stage-while-it-goes-back',
    invariant: 'I4',
    edits: [edit('providers/targets/effects.js', 'isGoingBack && intent.forward === true', 'false')],
    seeds: [153],
  },
  {
    name: 'watches-in-seconds',
    invariant: 'I15',
    edits: [edit('workflows/guard.js', 'segmentMs: hour', 'segmentMs: 1_000')],
    seeds: [37],
  },
  {
    name: 'shows-nothing-while-it-replays',
    invariant: 'I16',
    edits: [
      edit(
        'workflows/show.js',
        'if (run.shown.state !== state',
        'if (!globalThis.__TEMPORAL_ACTIVATOR__.info.unsafe.isReplaying && run.shown.state !== state',
      ),
    ],
    seeds: [1],
  },
  {
    name: 'does-not-watch-while-paused',
    invariant: 'I17',
    edits: [
      edit(
        'workflows/guard.js',
        'return run.leaving || run.state.turn !== null',
        'return run.leaving || run.state.paused !== null || run.state.turn !== null',
      ),
    ],
    seeds: [1],
  },
  {
    name: 'does-not-watch-after-it-was-continued',
    invariant: 'I17',
    edits: [edit('workflows/rollout.js', "if (state.done.includes('deploy'))", 'if (false)')],
    seeds: [16],
  },
  {
    name: 'refuses-updates-that-it-does-not-know',
    invariant: 'I16',
    edits: [
      // As the bundler has it.
      edit('workflows/handlers.js', 'setDefaultUpdateHandler)((name)', 'setDefaultUpdateHandler)(undefined, (name)'),
    ],
    seeds: [10400],
  },
  {
    name: 'leaves-a-resume-unwatched',
    invariant: 'I17',
    edits: [
      edit('workflows/next-run.js', 'if (!isSettled(run))', 'if (false)'),
      edit('workflows/next-run.js', 'if (isWatched)', 'if (false)'),
    ],
    seeds: [10241],
  },
  {
    name: 'promotes-without-asking',
    invariant: 'I3',
    edits: [
      edit(
        'workflows/rollout.js',
        "await run.once('gates:promote', () =>",
        "await run.once('gates:promote', async () => false &&",
      ),
    ],
    seeds: [19],
  },
  {
    name: 'starts-without-asking',
    invariant: 'I3',
    edits: [
      edit(
        'workflows/rollout.js',
        "await run.once('gates:start', () =>",
        "await run.once('gates:start', async () => false &&",
      ),
    ],
    seeds: [8],
  },
  {
    name: 'goes-on-while-paused',
    invariant: 'I3',
    edits: [
      edit(
        'workflows/run.js',
        'return paused === null && held === null && frozen === null &&',
        'return held === null && frozen === null &&',
      ),
    ],
    seeds: [165],
  },
  {
    name: 'goes-on-while-frozen',
    invariant: 'I3',
    edits: [
      edit(
        'workflows/run.js',
        'return paused === null && held === null && frozen === null &&',
        'return paused === null && held === null &&',
      ),
    ],
    seeds: [573],
  },
  {
    name: 'obeys-a-resume-that-comes-too-late',
    invariant: 'I3',
    edits: [
      edit(
        'workflows/raise.js',
        "if (validUntil !== null && Date.now() > validUntil)\n        return refuse('came",
        "if (false)\n        return refuse('came",
      ),
      edit(
        'workflows/raise.js',
        "if (validUntil !== null && Date.now() > validUntil)\n        return refuse('its",
        "if (false)\n        return refuse('its",
      ),
    ],
    seeds: [1093],
  },
  {
    name: 'overlooks-that-somebody-ran-zero',
    invariant: 'I6',
    edits: [edit('activities/watch-standing.js', "claim.stage.kind === 'back' ? fenced(", 'false ? fenced(')],
    seeds: [189],
  },
  {
    name: 'counts-approvals-after-the-gate-has-expired',
    invariant: 'I9',
    edits: [edit('approvals/decide.js', "state === 'open' && facts.now >= request.expiresAt", 'false')],
    seeds: [1065],
  },
  {
    name: 'counts-approvals-after-their-time',
    invariant: 'I9',
    edits: [edit('approvals/decide.js', 'input.validUntil !== null && facts.now > input.validUntil', 'false')],
    seeds: [76],
  },
  {
    name: 'counts-approvals-that-were-withdrawn',
    invariant: 'I9',
    edits: [
      edit(
        'approvals/quorum.js',
        ".filter((decision) => decision.kind === 'approve')",
        ".filter((decision) => decision.kind !== 'reject')",
      ),
    ],
    seeds: [1068],
  },
  {
    name: 'seats-one-person-twice',
    invariant: 'I9',
    edits: [edit('approvals/quorum.js', 'separation.distinctPeople ? [tables.flat()] : tables', 'tables')],
    seeds: [190],
  },
  {
    name: 'lets-who-asks-approve',
    invariant: 'I9',
    edits: [
      edit('approvals/decide.js', 'proof.person === requester && !separation.requesterMayApprove', 'false'),
      edit('approvals/quorum.js', 'separation.requesterMayApprove || person !== requester', 'true'),
    ],
    seeds: [58],
  },
  {
    name: 'keeps-all-of-what-it-ignores',
    invariant: 'I10',
    edits: [edit('workflows/ignored.js', '.length - 2 > bytes)', '.length < 0)')],
    seeds: [101],
  },
  {
    name: 'takes-a-step-for-live-that-is-not',
    invariant: 'I13',
    edits: [edit('workflows/steps.js', "if (liveness.kind === 'live') {", 'if (true) {')],
    seeds: [103],
  },
];
