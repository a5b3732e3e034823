// Package verdicts has plain bots on libraries of several languages judged by evergreen sim
// --check, and makes a page of what came of it: real libraries in processes of their own,
// loopback, real time.
//
//	go -C bench run ./cmd/verdicts                        all libraries, the whole programme; writes docs/libraries.md
//	go -C bench run ./cmd/verdicts --only eris --dry      one of them; writes nothing
//	go test -C bench ./verdicts -v                        three steps with each, all side by side
//
// A bot that ends is started again, as a supervisor does where bots run, and the page says
// how often.
package verdicts
