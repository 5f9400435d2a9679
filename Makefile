# Everything a clone needs, with nothing but Node, npm and Go. `make` alone lists the targets.

.DEFAULT_GOAL := help
.PHONY: help install build servers demo test test-docker test-kubernetes lives check verify clean

rooms := spec plan judge approvals workflows activities providers client cli worker testbed bench
sources := $(shell find $(rooms) -name '*.ts' 2>/dev/null) package.json tsconfig.json tsconfig.build.json
suites := unit lives servers

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install:
	@node tools/installed.js || { echo 'Installing packages, a minute or two…'; npm ci; }

build: install dist/.built ## Install packages if needed, compile, bundle the workflows

dist/.built: $(sources)
	npm run --silent build
	@touch $@

servers: build ## Find or build Temporal, Prometheus and Caddy
	@node dist/testbed/servers/main.js

demo: build servers ## Four rollouts on real servers; KEEP=1 leaves everything running, TARGET=kubernetes takes a Kubernetes of our own
	@KEEP=$(KEEP) TARGET=$(TARGET) node dist/testbed/demo/main.js

ifdef NODE
# The fast suites on another Node, e.g. `make test NODE=24`; npm brings the binary.
platform = $(shell node -p 'process.platform + "-" + process.arch')
test: build
	npm exec --yes --package=node-$(platform)@$(NODE) -- node dist/testbed/suites.js unit
else
test: build servers ## Every suite that needs no containers; NODE=22 or NODE=24 runs the fast ones there
	@node dist/testbed/suites.js $(suites)
endif

test-docker: build servers ## Releases in containers: on this machine's Docker, else on Podman (installed on Debian when root)
	@node dist/testbed/suites.js docker

test-kubernetes: build ## On a Kubernetes of our own in a network namespace, built when missing; needs Linux, root or user namespaces
	@node dist/testbed/suites.js kubernetes

lives: build ## SEEDS=10000 simulated rollouts under faults, FROM=1, held against every promise; on all cores
	@node dist/testbed/simulator/explore/main.js --seeds $(or $(SEEDS),10000) --from $(or $(FROM),1)

check: install ## Types, lint, format, unused code
	@npm run --silent check

verify: build ## Hold what the testbed takes for the world against published facts; needs SHARED=<folder>
	@node dist/testbed/verify/main.js $(SHARED)

clean: ## Remove what was built; the cache of servers stays
	rm -rf dist .demo .sluice coverage
