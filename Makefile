# What people type; .ci/run is what decides.
.PHONY: build test check release

build:
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o evergreen ./cmd/evergreen

test:
	go test ./...

check:
	.ci/run

# make release VERSION=1.2.0
release:
	go run ./tools/release -version "$(VERSION)" -out dist
