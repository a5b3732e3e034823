// Package report writes the figures of the comparison as Markdown, JSON and SVG.
package report
