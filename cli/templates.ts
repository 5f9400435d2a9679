/** The three files that `sluice init` writes: small, complete, and valid as they are. */

export interface Answers {
  readonly service: string;
  readonly environment: string;
  /** Image repository without tag and digest. */
  readonly image: string;
  /** Who may sign; becomes the first person of the directory. */
  readonly person: string;
  /** URL at which the proxy answers users. */
  readonly publicUrl: string;
  readonly caddyAdmin: string;
  readonly prometheus: string;
  readonly deployHook: string;
  /** `host:port` of the two slots. */
  readonly slotA: string;
  readonly slotB: string;
}

export const fileNames = { rollout: 'rollout.yaml', worker: 'worker.yaml', directory: 'directory.yaml' } as const;

/** A JSON string is a YAML string, whatever is in it. */
const quoted = (text: string) => JSON.stringify(text);

/** A selector inside a single-quoted YAML string: the spec's own check judges the result. */
const selector = (text: string) => JSON.stringify(text).replaceAll("'", "''");

export function rolloutTemplate({ service, environment, image, publicUrl }: Answers): string {
  const app = selector(service);
  return `# What is rolled out, how fast, and what takes it back. Check it with: sluice validate ${fileNames.rollout}
apiVersion: sluice/v1
kind: Rollout
metadata: { service: ${quoted(service)}, environment: ${quoted(environment)} }

target:
  kind: caddy
  connection: edge # names of ${fileNames.worker}
  route: ${quoted(service)}
  preview: { header: "x-sluice-preview: canary" } # such requests reach the new release at any weight

release: { image: ${quoted(image)}, digest: required } # the digest is given at start

metrics:
  connection: prometheus
  tracks: { label: release } # the label of your metrics that tells releases apart
  requests: 'http_requests_total{app=${app}}'

people: { roles: [sre] }

approvals:
  gates:
    - { id: go, at: start, require: [{ atLeast: 1, of: sre }], expires: 24h, onExpiry: abort }
  # With more than one person in ${fileNames.directory}, let nobody approve what they asked for.
  separation: { requesterMayApprove: true, distinctPeople: true }

smoke:
  suites:
    basic:
      baseUrl: { canary: preview, stable: direct, public: ${quoted(publicUrl)} }
      forbidStatus: [5xx]
      requests:
        - { name: home, get: /, expect: { within: 2s } }

criteria:
  - id: errors
    kind: limit
    # "or vector(0)": a service that never failed has no error series, and no data is never taken for good.
    query: '(sum(rate(http_requests_total{app=${app},{{track}},code=~"5.."}[1m])) or vector(0)) / sum(rate(http_requests_total{app=${app},{{track}}}[1m]))'
    breach: "> 1%" # the bad condition
    for: 1m
    minSamples: 50
    do: rollback
    severity: P0

steps:
  - { weight: 1%, bake: 10m..20m, smoke: [basic] }
  - { weight: 5%, bake: 10m..20m, smoke: [basic] }
  - { weight: 25%, bake: 10m..20m, smoke: [basic] }
  - { weight: 100%, bake: 10m, smoke: [basic@public] }

rollback: { within: 5m, confirm: [basic@stable], keepCanary: 15m }
watch: { for: 2h }
`;
}

export function workerTemplate(answers: Answers): string {
  const { service, publicUrl, caddyAdmin, prometheus, deployHook, slotA, slotB } = answers;
  return `# The operator's side: addresses, and the names of credentials. Start it with: sluice worker --config ${fileNames.worker}
apiVersion: sluice/v1
kind: Worker
taskQueue: sluice
# temporal: { address: "127.0.0.1:7233", namespace: default } # else the TEMPORAL_* environment or profile
directory: ./${fileNames.directory}
listen: 127.0.0.1:9464 # /metrics /healthz /readyz
secrets: { from: env, prefix: SLUICE_SECRET_ }

connections:
  prometheus:
    kind: prometheus
    url: ${quoted(prometheus)}
    # auth: { bearer: { env: PROM_TOKEN } }
  edge:
    kind: caddy
    admin: ${quoted(caddyAdmin)}
    public: ${quoted(publicUrl)}
    persistence: resume # caddy run --resume
    routes:
      ${quoted(service)}:
        match: { path: "/*" } # finds the route when it has no @id yet
        slots: { a: ${quoted(slotA)}, b: ${quoted(slotB)} }
        longLived: false # true for WebSockets and event streams
        deploy: { kind: hook, url: ${quoted(deployHook)} }

smoke: { allow: [${quoted(publicUrl)}] }
`;
}

export function directoryTemplate({ person }: Answers): string {
  return `# Who holds which role. Read anew whenever it changes.
apiVersion: sluice/v1
kind: Directory
identity: trust # names are taken at their word
people:
  ${quoted(person)}: { roles: [sre] }
`;
}
