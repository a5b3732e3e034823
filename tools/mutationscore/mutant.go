package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// mutant is one small change to one package.
type mutant struct {
	// id names the mutant in reports and in the file of equivalents. It consists of the
	// file, the function, what is changed, and the source text that is changed. It holds
	// no line number, so that a change elsewhere in the file leaves it as it is.
	id     string
	number int // its place in the package, which chooses it at run time
	line   int
}

// function returns the part of the id that names the function.
func (m mutant) function() string {
	function, _, _ := strings.Cut(m.id, ": ")
	return function
}

// file is a source file of a package, and the edits that put every mutant into it.
type file struct {
	path   string // as the go command sees it
	name   string // from the module's root, with slashes
	source []byte
	edits  []edit
}

// finder walks over the files of one package and collects its mutants.
type finder struct {
	fset    *token.FileSet
	info    *types.Info
	mutants []mutant

	file   *file
	seen   map[string]int // how often an id was given
	parent []ast.Node     // from the file down to the current node
}

// find adds the mutants of one file.
func (f *finder) find(file *file, tree *ast.File) {
	f.file = file
	ast.Inspect(tree, func(node ast.Node) bool {
		if node == nil {
			f.parent = f.parent[:len(f.parent)-1]
			return false
		}
		if decl, ok := node.(*ast.GenDecl); ok && decl.Tok != token.VAR {
			return false // constants and types are not evaluated at run time
		}
		if isLogCall(f.info, node) {
			return false
		}
		f.parent = append(f.parent, node)
		if f.function() != nil {
			f.visit(node)
		}
		return true
	})
}

func (f *finder) visit(node ast.Node) {
	switch node := node.(type) {
	case *ast.BlockStmt:
		f.statements(node.List)
	case *ast.CaseClause:
		if isTagless(f.parent) {
			for _, condition := range node.List {
				f.condition(condition)
			}
		}
		f.statements(node.Body)
	case *ast.CommClause:
		f.statements(node.Body)
	case *ast.IfStmt:
		f.condition(node.Cond)
	case *ast.ForStmt:
		if node.Cond != nil && f.isBool(node.Cond) {
			n := f.add("never", node.Cond)
			f.wrap(node.Cond, "((", fmt.Sprintf(") && !mutant(%d))", n))
		}
	case *ast.BinaryExpr:
		f.binary(node)
	case *ast.AssignStmt:
		if node.Tok == token.ASSIGN || node.Tok == token.DEFINE {
			f.values(node.Rhs)
		}
	case *ast.ReturnStmt:
		f.values(node.Results)
		f.droppedError(node)
	}
}

// statements removes each statement of a block, and swaps each two neighbours that
// both call something.
func (f *finder) statements(list []ast.Stmt) {
	switch parent := f.parent[len(f.parent)-2].(type) {
	case *ast.IfStmt:
		if len(list) == 1 && parent.Else == nil {
			return // the same as a condition that is never true
		}
	case *ast.FuncDecl, *ast.FuncLit:
		if n := len(list); n > 0 && isReturn(list[n-1]) {
			list = list[:n-1] // the function ends there anyway
		}
	}
	for i, statement := range list {
		if !f.isRemovable(statement) {
			continue
		}
		without := f.add("without", statement)
		if i+1 < len(list) && f.canSwap(statement) && f.canSwap(list[i+1]) {
			next := list[i+1]
			swapped := f.addText("swapped", f.text(statement)+"; "+f.text(next), statement.Pos())
			f.wrap(statement, fmt.Sprintf("if !mutant(%d) && !mutant(%d) { ", without, swapped), " }")
			f.after(next, fmt.Sprintf("; if mutant(%d) { %s }", swapped, f.text(statement)))
			continue
		}
		f.wrap(statement, fmt.Sprintf("if !mutant(%d) { ", without), " }")
	}
}

// isRemovable reports whether the package still compiles without the statement, and
// whether its absence means anything.
func (f *finder) isRemovable(statement ast.Stmt) bool {
	switch s := statement.(type) {
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		return !ok || !isPanic(call) && !f.isLock(call) && !isLogCall(f.info, call)
	case *ast.AssignStmt:
		return s.Tok != token.DEFINE && !f.isOnlyUse(s)
	case *ast.DeferStmt:
		return !f.isLock(s.Call)
	case *ast.IncDecStmt, *ast.SendStmt, *ast.GoStmt:
		return true
	case *ast.BranchStmt:
		return s.Tok == token.BREAK || s.Tok == token.CONTINUE
	case *ast.ReturnStmt:
		return f.results().Len() == 0
	}
	return false
}

// canSwap reports whether a statement can change places with its neighbour, and others
// can see it.
func (f *finder) canSwap(statement ast.Stmt) bool {
	switch statement.(type) {
	case *ast.ExprStmt, *ast.AssignStmt, *ast.SendStmt:
		return f.isRemovable(statement) && f.hasCall(statement)
	}
	return false
}

// isOnlyUse reports whether a statement is "_ = x", which changes nothing.
func (f *finder) isOnlyUse(s *ast.AssignStmt) bool {
	for _, left := range s.Lhs {
		if name, ok := left.(*ast.Ident); !ok || name.Name != "_" {
			return false
		}
	}
	return !f.hasCall(s)
}

// condition makes a condition always true and never true.
func (f *finder) condition(condition ast.Expr) {
	if !f.isBool(condition) {
		return
	}
	always, never := f.add("always", condition), f.add("never", condition)
	f.wrap(condition, "(((", fmt.Sprintf(") || mutant(%d)) && !mutant(%d))", always, never))
}

// binary removes one operand of && and ||, moves the border of <, <=, > and >=, and
// swaps + with -, * with /, and % with *.
func (f *finder) binary(e *ast.BinaryExpr) {
	switch e.Op {
	case token.LAND, token.LOR:
		for _, operand := range []ast.Expr{e.X, e.Y} {
			if inner, ok := ast.Unparen(operand).(*ast.BinaryExpr); ok && inner.Op == e.Op || !f.isBool(operand) {
				continue
			}
			n := f.add("without operand", operand)
			if e.Op == token.LAND {
				f.wrap(operand, "((", fmt.Sprintf(") || mutant(%d))", n))
			} else {
				f.wrap(operand, "((", fmt.Sprintf(") && !mutant(%d))", n))
			}
		}
	case token.LSS, token.GTR, token.LEQ, token.GEQ:
		if !f.isBool(e) || !f.isCount(e.X) || !isOneLine(f.text(e)) {
			return
		}
		n := f.add("other border", e)
		x, y := f.text(e.X), f.text(e.Y)
		if e.Op == token.LSS || e.Op == token.GTR {
			f.wrap(e, "((", fmt.Sprintf(") || mutant(%d) && (%s) == (%s))", n, x, y))
		} else {
			f.wrap(e, "((", fmt.Sprintf(") && !(mutant(%d) && (%s) == (%s)))", n, x, y))
		}
	case token.ADD, token.SUB, token.MUL, token.QUO, token.REM:
		other, ok := arithmetic[e.Op]
		if !ok || f.isConstant(e) || !f.isNumber(e, e.Op == token.REM) {
			return
		}
		n := f.add(other.means, e)
		f.wrap(e, fmt.Sprintf("%s(%d, (", other.call, n), "))")
		f.file.edits = append(f.file.edits, edit{offset: f.offset(e.OpPos), remove: 1, text: "), ("})
	}
}

var arithmetic = map[token.Token]struct{ call, means string }{
	token.ADD: {"mutantAdd", "- for +"},
	token.SUB: {"mutantSub", "+ for -"},
	token.MUL: {"mutantMul", "/ for *"},
	token.QUO: {"mutantQuo", "* for /"},
	token.REM: {"mutantRem", "* for %"},
}

// values negates what is returned or assigned as a bool.
func (f *finder) values(list []ast.Expr) {
	for _, e := range list {
		if f.isBool(e) && f.isPlainBool(e) {
			n := f.add("not", e)
			f.wrap(e, fmt.Sprintf("(mutant(%d) != (", n), "))")
		}
	}
}

// droppedError returns nil where an error is returned.
func (f *finder) droppedError(s *ast.ReturnStmt) {
	results := f.results()
	if len(s.Results) == 0 || len(s.Results) != results.Len() {
		return
	}
	last := s.Results[len(s.Results)-1]
	if name, ok := last.(*ast.Ident); ok && name.Name == "nil" || !isError(results.At(results.Len()-1).Type()) {
		return
	}
	n := f.add("no error", s)
	var texts []string
	for _, e := range s.Results[:len(s.Results)-1] {
		texts = append(texts, f.text(e))
	}
	f.wrap(s, fmt.Sprintf("if mutant(%d) { return %s }; ", n, strings.Join(append(texts, "nil"), ", ")), "")
}

// add makes the mutant "what" of a node and returns its number.
func (f *finder) add(what string, node ast.Node) int {
	return f.addText(what, f.text(node), node.Pos())
}

func (f *finder) addText(what, text string, pos token.Pos) int {
	id := fmt.Sprintf("%s %s: %s: %s", f.file.name, f.functionName(), what, oneLine(text))
	f.seen[id]++
	if n := f.seen[id]; n > 1 {
		id = fmt.Sprintf("%s #%d", id, n)
	}
	f.mutants = append(f.mutants, mutant{id: id, number: len(f.mutants), line: f.fset.Position(pos).Line})
	return len(f.mutants) - 1
}

// longest is how much of a source text an id holds, in runes.
const longest = 120

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "..."
	}
	return text
}

func isOneLine(text string) bool { return !strings.Contains(text, "\n") }

func (f *finder) offset(pos token.Pos) int { return f.fset.Position(pos).Offset }

func (f *finder) text(node ast.Node) string {
	return string(f.file.source[f.offset(node.Pos()):f.offset(node.End())])
}

// wrap puts text before and after a node. A later wrap of the same node is around the
// earlier ones, and the wraps of a node are around those of the nodes in it.
func (f *finder) wrap(node ast.Node, before, after string) {
	f.insert(node.Pos(), before, node, false)
	f.insert(node.End(), after, node, true)
}

// after puts text behind a node and all that is wrapped around it.
func (f *finder) after(node ast.Node, text string) {
	f.file.edits = append(f.file.edits, edit{offset: f.offset(node.End()), text: text, closes: true, depth: -1})
}

func (f *finder) insert(pos token.Pos, text string, node ast.Node, closes bool) {
	if text == "" {
		return
	}
	f.file.edits = append(f.file.edits, edit{
		offset: f.offset(pos), text: text, closes: closes,
		depth: int(node.End() - node.Pos()), // of two nodes with a common border, the shorter is the inner one
	})
}

// function returns the innermost function around the current node, or nil.
func (f *finder) function() ast.Node {
	for i := len(f.parent) - 1; i >= 0; i-- {
		switch n := f.parent[i].(type) {
		case *ast.FuncLit, *ast.FuncDecl:
			return n
		}
	}
	return nil
}

// results returns the results of the innermost function.
func (f *finder) results() *types.Tuple {
	switch n := f.function().(type) {
	case *ast.FuncLit:
		return f.info.TypeOf(n).Underlying().(*types.Signature).Results()
	case *ast.FuncDecl:
		return f.info.Defs[n.Name].Type().(*types.Signature).Results()
	}
	return nil
}

// functionName returns the outermost function, as in "(*conn).read", or "var name".
func (f *finder) functionName() string {
	for _, node := range f.parent {
		switch n := node.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil || len(n.Recv.List) == 0 {
				return n.Name.Name
			}
			return "(" + f.text(n.Recv.List[0].Type) + ")." + n.Name.Name
		case *ast.ValueSpec:
			return "var " + n.Names[0].Name
		}
	}
	return ""
}

func (f *finder) isConstant(e ast.Expr) bool {
	value := f.info.Types[e].Value
	return value != nil && value.Kind() != constant.Unknown
}

// isBool reports whether an expression is a bool that is not known before run time, of
// no type with a name of its own.
func (f *finder) isBool(e ast.Expr) bool {
	basic, ok := f.info.TypeOf(e).(*types.Basic)
	return ok && basic.Info()&types.IsBoolean != 0 && !f.isConstant(e)
}

// isPlainBool reports whether negating a value says anything new: a call or a variable
// is negated where its value comes from.
func (f *finder) isPlainBool(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.BinaryExpr:
		return true
	case *ast.UnaryExpr:
		return e.Op == token.NOT
	}
	return false
}

// isNumber reports whether an expression is of a type that has + and -.
func (f *finder) isNumber(e ast.Expr, integer bool) bool {
	t := f.info.TypeOf(e)
	if _, ok := t.(*types.TypeParam); ok {
		return false
	}
	basic, ok := t.Underlying().(*types.Basic)
	if !ok || basic.Info()&types.IsUntyped != 0 {
		return false
	}
	if integer {
		return basic.Info()&types.IsInteger != 0
	}
	return basic.Info()&(types.IsInteger|types.IsFloat) != 0
}

// isCount reports whether an expression is an integer and no time.Duration, whose
// borders are a nanosecond wide.
func (f *finder) isCount(e ast.Expr) bool {
	t := f.info.TypeOf(e)
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Info()&types.IsInteger != 0 && t.String() != "time.Duration"
}

// isLock reports whether a call locks or unlocks a mutex. Without one of the two a
// program ends at once; without both only the race detector sees it.
func (f *finder) isLock(call *ast.CallExpr) bool {
	function := callee(f.info, call)
	if function == nil || function.Pkg() == nil || function.Pkg().Path() != "sync" {
		return false
	}
	switch function.Name() {
	case "Lock", "Unlock", "RLock", "RUnlock":
		return true
	}
	return false
}

// isLogCall reports whether a node is a call that logs.
func isLogCall(info *types.Info, node ast.Node) bool {
	call, ok := node.(*ast.CallExpr)
	if !ok {
		return false
	}
	function := callee(info, call)
	return function != nil && function.Pkg() != nil && function.Pkg().Path() == "log/slog"
}

func callee(info *types.Info, call *ast.CallExpr) types.Object {
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		return info.Uses[fun]
	case *ast.SelectorExpr:
		return info.Uses[fun.Sel]
	}
	return nil
}

func isPanic(call *ast.CallExpr) bool {
	name, ok := call.Fun.(*ast.Ident)
	return ok && name.Name == "panic"
}

func isError(t types.Type) bool { return types.Identical(t, types.Universe.Lookup("error").Type()) }

// isTagless reports whether the case clause at the end of the path belongs to a switch
// without a value, whose cases are conditions.
func isTagless(path []ast.Node) bool {
	if len(path) < 3 {
		return false
	}
	s, ok := path[len(path)-3].(*ast.SwitchStmt)
	return ok && s.Tag == nil
}

func isReturn(statement ast.Stmt) bool {
	_, ok := statement.(*ast.ReturnStmt)
	return ok
}

// hasCall reports whether a statement does something that others may see: a call of a
// function, a send or a receive.
func (f *finder) hasCall(node ast.Node) bool {
	found := false
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			fun := f.info.Types[n.Fun]
			found = found || !fun.IsType() && !fun.IsBuiltin() // a conversion, len, append, ...
		case *ast.SendStmt:
			found = true
		case *ast.UnaryExpr:
			found = found || n.Op == token.ARROW
		}
		return !found
	})
	return found
}
