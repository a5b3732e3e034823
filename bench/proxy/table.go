package proxy

import (
	"fmt"
	"strings"
)

// Markdown is the table of figures.
func Markdown(rows []Row) string {
	var b strings.Builder
	b.WriteString("| what | goal | behind Evergreen | directly |\n| --- | --- | --- | --- |\n")
	dash := func(text string) string {
		if text == "" {
			return "-"
		}
		return text
	}
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.What, dash(r.Goal), dash(r.Behind), dash(r.Beside))
	}
	return b.String()
}
