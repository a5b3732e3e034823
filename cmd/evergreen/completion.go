package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCommand is evergreen completion.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints what makes the shell complete this program's commands and flags.
func (c completionCommand) Run(p *process, app *kong.Kong) error {
	write := map[string]func(io.Writer, []completionPoint) error{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell]
	return write(p.stdout, completionPoints(app.Model.Node, ""))
}

// completionPoint is a point in the command line: the commands so far, and the words
// that may follow.
type completionPoint struct {
	path  string // "" or " service install"
	words []completionWord
}

type completionWord struct{ text, help string }

// completionPoints derives all points from kong's model of the command line.
func completionPoints(n *kong.Node, path string) []completionPoint {
	here := completionPoint{path: path}
	var below []completionPoint
	for _, child := range n.Children {
		if child.Hidden {
			continue
		}
		here.words = append(here.words, completionWord{child.Name, child.Help})
		below = append(below, completionPoints(child, path+" "+child.Name)...)
	}
	for _, argument := range n.Positional {
		for _, choice := range argument.EnumSlice() {
			here.words = append(here.words, completionWord{choice, argument.Help})
		}
	}
	for _, flag := range n.Flags {
		if !flag.Hidden {
			here.words = append(here.words, completionWord{"--" + flag.Name, flag.Help})
		}
	}
	return append([]completionPoint{here}, below...)
}

func (p completionPoint) joined() string {
	all := make([]string, len(p.words))
	for i, w := range p.words {
		all[i] = w.text
	}
	return strings.Join(all, " ")
}

// known is the shell pattern of every path but the first.
func known(all []completionPoint) string {
	var paths []string
	for _, p := range all[1:] {
		paths = append(paths, `"`+p.path+`"`)
	}
	return strings.Join(paths, "|")
}

func cases(all []completionPoint) string {
	var b strings.Builder
	for _, p := range all {
		fmt.Fprintf(&b, "    %q) words=%q ;;\n", p.path, p.joined())
	}
	return b.String()
}

// bashCompletion writes the script for bash. A word that is no command, such as a
// flag's value, does not change the point.
func bashCompletion(w io.Writer, all []completionPoint) error {
	_, err := fmt.Fprintf(w, `# bash completion for evergreen: source <(evergreen completion bash)
_evergreen() {
  local path="" word words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path ${COMP_WORDS[i]}" in
    %s) path="$path ${COMP_WORDS[i]}" ;;
    esac
  done
  case "$path" in
%s  esac
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _evergreen evergreen
`, known(all), cases(all))
	return err
}

func zshCompletion(w io.Writer, all []completionPoint) error {
	_, err := fmt.Fprintf(w, `#compdef evergreen
# zsh completion for evergreen: source <(evergreen completion zsh)
_evergreen() {
  local path_="" words_="" i
  for ((i = 2; i < CURRENT; i++)); do
    case "$path_ ${words[i]}" in
    %s) path_="$path_ ${words[i]}" ;;
    esac
  done
  case "$path_" in
%s  esac
  compadd -- ${=words_} || _files
}
compdef _evergreen evergreen
`, known(all), strings.ReplaceAll(cases(all), " words=", " words_="))
	return err
}

func fishCompletion(w io.Writer, all []completionPoint) error {
	var b strings.Builder
	b.WriteString("# fish completion for evergreen: evergreen completion fish | source\n")
	for _, p := range all {
		condition := "__fish_use_subcommand"
		if said := strings.Fields(p.path); len(said) > 0 {
			condition = "__fish_seen_subcommand_from " + strings.Join(said, "; and __fish_seen_subcommand_from ")
		}
		for _, word := range p.words {
			what := "-f -a " + word.text
			if name, isFlag := strings.CutPrefix(word.text, "--"); isFlag {
				what = "-l " + name
			}
			fmt.Fprintf(&b, "complete -c evergreen -n '%s' %s -d '%s'\n", condition, what, strings.ReplaceAll(word.help, "'", `\'`))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
