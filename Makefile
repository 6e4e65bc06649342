# What a developer runs. `make test` is everything and what .ci/run calls.

GO ?= go
SHARED ?= ../shared

# Asks thousands of questions one after the other: the race detector has nothing
# to find in it and makes it ten times as slow.
ONE_AT_A_TIME = ^TestMatrixHasNoOracle$$

# Packages in which nothing runs beside anything else, but for SIDE_BY_SIDE. A
# test of the root says so if that changes.
ALONE = portolan portolan/audit portolan/capsule portolan/care portolan/interop portolan/locales portolan/pdf portolan/pdf/typeset \
	portolan/photo portolan/seal portolan/search portolan/signin portolan/strip portolan/sync/simtest portolan/internal/docgen portolan/internal/gen
SIDE_BY_SIDE = ^TestSideBySide$$

# The race detector watches us, PocketBase and the driver, but not inside SQLite,
# its libc and its heap, which are C made into Go and share no memory with us: the
# driver copies what goes in and out, and is watched as it does. Nor inside
# bcrypt's cipher, a loop over a copy. Watching them takes two thirds of the time.
UNWATCHED = modernc.org/sqlite/lib modernc.org/libc modernc.org/memory golang.org/x/crypto/blowfish
WATCH = -race $(UNWATCHED:%=-gcflags=%=-race=false)

.PHONY: web bench-scale run demo test test-fast test-web test-clients test-outside lint cross bench sim night kills fuzz cover docs

run: ## serve the hub in ./portolan-data
	$(GO) run . serve --dir portolan-data

demo: ## a hub with invented people, two tablets and a summary
	$(GO) run . demo

test: lint cross ## everything
	@.ci/need gcc gcc libc6-dev
	@.ci/need pdftotext poppler-utils
	CGO_ENABLED=1 $(GO) test -vet=off $(WATCH) -skip '$(ONE_AT_A_TIME)' -timeout 30m $(filter-out $(ALONE),$(shell $(GO) list ./...))
	CGO_ENABLED=1 $(GO) test -vet=off $(WATCH) -run '$(SIDE_BY_SIDE)' ./pdf/...
	$(GO) test -vet=off $(ALONE)
	$(GO) test -vet=off -run '$(ONE_AT_A_TIME)' ./hooks
	$(MAKE) --no-print-directory test-clients
	@$(MAKE) --no-print-directory test-web
	@if [ -d "$(SHARED)" ]; then $(MAKE) --no-print-directory test-outside; \
	else echo "test-outside: not run, there is no $(SHARED) with the data made elsewhere"; fi

test-web: ## the app's sync client, against a hub of this program and in Chromium
	@.ci/need npm nodejs npm
	@.ci/need chromium chromium
	cd web && npm ci --no-audit --no-fund && npm run check && npm run build
	@git diff --exit-code --stat -- web/dist || { echo "web/dist is not what its sources make: commit it"; exit 1; }
	@test -z "$$(git status --porcelain -- web/dist)" || { echo "web/dist has files that are not committed"; exit 1; }
	cd web && npm test

web: ## web/dist from its sources
	@.ci/need npm nodejs npm
	cd web && npm ci --no-audit --no-fund && npm run build

test-fast: ## the tests without the race detector, for between two edits
	@.ci/need pdftotext poppler-utils
	$(GO) vet ./...
	$(GO) test ./...

lint: ## gofmt, vet, staticcheck
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "not as gofmt writes it:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

cross: ## the hub for a small arm64 board
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 $(GO) build -o /dev/null ./...

test-clients: ## stock clients from npm against a hub
	@.ci/need node nodejs npm
	@.ci/need npm npm
	.ci/clients

test-outside: ## data and judges from elsewhere: real files in, our papers checked by others
	@.ci/need pdftotext poppler-utils
	@.ci/need qpdf qpdf
	@.ci/need zbarimg zbar-tools
	@.ci/need mutool mupdf-tools
	@.ci/need npm nodejs npm
	.ci/outside "$(SHARED)"

bench: ## the figures of docs/benchmarks.md
	@.ci/need chromium chromium
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 30m ./...

bench-sync: ## the sync side by side with PocketBase and PouchDB, N=10000 records, RUNS=3
	@.ci/need node nodejs npm
	@.ci/need npm npm
	$(GO) run ./internal/benchsync -peers "$(SHARED)/peers" -n $(or $(N),10000) -runs $(or $(RUNS),3) $(if $(PROFILES),-profiles "$(abspath $(PROFILES))")

bench-scale: ## many tablets, a bad line, rights that end: LISTENERS=5000, TABLETS=500, ONLY=outage,line
	$(GO) run ./internal/benchsync scale -listeners $(or $(LISTENERS),5000) -tablets $(or $(TABLETS),500) -only "$(ONLY)"

kills: ## a hub killed with -9, N=1000 times, at every labelled point; SEED=1 draws the same moments
	$(GO) run ./internal/kills -n $(or $(N),1000) $(if $(SEED),-seed $(SEED))

night: ## papers for many moves due on one night, the hub killed once in each: MOVES=500, NIGHTS=10; SEED=1 draws the same moments
	$(GO) test ./hooks -run 'TestANightOfMoves$$' -v -count 1 -timeout 0 -moves $(or $(MOVES),500) -nights $(or $(NIGHTS),10) -night-seed $(or $(SEED),0)

sim: ## the simulated world, SEEDS=200 STEPS=1500, or as long as DURATION=10m; SEED=1 plays one again
	$(GO) test ./sync/simtest -run Worlds -v -count 1 -timeout 0 -seed $(or $(SEED),0) -seeds $(or $(SEEDS),200) -steps $(or $(STEPS),1500) -duration $(or $(DURATION),0)

fuzz: ## every decoder, FUZZ=20s each
	.ci/fuzz $(or $(FUZZ),20s)

cover: ## what the tests reach
	$(GO) test -coverpkg=./... -coverprofile=cover.prof ./...
	$(GO) tool cover -func=cover.prof | tail -n 1

docs: ## docs/collections.md from the schema
	$(GO) run ./internal/docgen docs/collections.md
