// Package browsertest looks at pages in Chromium, for tests with the build tag
// browser: it starts the browser, takes steps as a person does, waits for what is to
// be seen, and notes every complaint of the console and every address asked for.
package browsertest
