# What a developer runs. `make test` is everything and what .ci/run calls.

GO ?= go
SHARED ?= ../shared

# Asks thousands of questions one after the other: the race detector has nothing
# to find in it and makes it ten times as slow. It runs beside the others.
ONE_AT_A_TIME = ^TestMatrixHasNoOracle$$

.PHONY: run demo test test-fast test-outside lint cross bench fuzz cover docs

run: ## serve the hub in ./portolan-data
	$(GO) run . serve --dir portolan-data

demo: ## a hub with invented people, two tablets and a summary
	$(GO) run . demo

test: lint cross ## everything
	@.ci/need gcc gcc libc6-dev
	@.ci/need pdftotext poppler-utils
	CGO_ENABLED=1 $(GO) test -race -skip '$(ONE_AT_A_TIME)' -timeout 30m ./...
	$(GO) test -run '$(ONE_AT_A_TIME)' ./hooks
	@if [ -d "$(SHARED)" ]; then $(MAKE) --no-print-directory test-outside; \
	else echo "test-outside: not run, there is no $(SHARED) with the data made elsewhere"; fi

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

test-outside: ## data and judges from elsewhere: real files in, our papers checked by others
	@.ci/need pdftotext poppler-utils
	@.ci/need qpdf qpdf
	.ci/outside "$(SHARED)"

bench: ## the figures of docs/benchmarks.md
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 30m ./...

fuzz: ## every decoder, FUZZ=20s each
	.ci/fuzz $(or $(FUZZ),20s)

cover: ## what the tests reach
	$(GO) test -coverpkg=./... -coverprofile=cover.prof ./...
	$(GO) tool cover -func=cover.prof | tail -n 1

docs: ## docs/collections.md from the schema
	$(GO) run ./internal/docgen docs/collections.md
