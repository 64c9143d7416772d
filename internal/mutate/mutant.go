package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
)

// mutant is one file with one operator changed.
type mutant struct {
	file     string // its path
	line     int
	from, to int // the bytes of the file that are replaced
	old, new string
}

func (m mutant) String() string {
	return fmt.Sprintf("%s:%d: %q for %q", m.file, m.line, m.new, m.old)
}

// apply returns the source of the mutant.
func (m mutant) apply(source []byte) []byte {
	out := append([]byte(nil), source[:m.from]...)
	out = append(out, m.new...)
	return append(out, source[m.to:]...)
}

// swaps are the operators that are changed, and into what: those whose slip a
// reader overlooks. Equality of nil is among them, for a lost error is one.
var swaps = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS,
	token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.EQL: token.NEQ, token.NEQ: token.EQL,
	token.LAND: token.LOR, token.LOR: token.LAND,
	token.ADD: token.SUB, token.SUB: token.ADD,
	token.SHL: token.SHR, token.SHR: token.SHL,
}

// mutantsOf lists the mutants of a file, in its order.
func mutantsOf(name string, source []byte) ([]mutant, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var out []mutant
	add := func(pos token.Pos, old, new string) {
		at := fset.Position(pos)
		out = append(out, mutant{name, at.Line, at.Offset, at.Offset + len(old), old, new})
	}
	var visit func(ast.Node) bool
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			return n.Tok != token.IMPORT && n.Tok != token.CONST // constants are values, not decisions
		case *ast.CallExpr:
			if i := capacity(n); i >= 0 && i < len(n.Args) {
				for j, arg := range n.Args {
					if j != i {
						ast.Inspect(arg, visit)
					}
				}
				return false
			}
		case *ast.BinaryExpr:
			if to, ok := swaps[n.Op]; ok && !joinsText(n) {
				add(n.OpPos, n.Op.String(), to.String())
			}
		case *ast.UnaryExpr:
			if n.Op == token.NOT {
				add(n.OpPos, "!", "")
			}
		case *ast.IncDecStmt:
			if n.Tok == token.INC {
				add(n.TokPos, "++", "--")
			}
		case *ast.BranchStmt:
			if n.Tok == token.CONTINUE && n.Label == nil {
				add(n.TokPos, "continue", "break")
			}
		}
		return true
	}
	ast.Inspect(f, visit)
	return out, nil
}

// capacity returns which argument of a call says only how much room to
// reserve, or -1: the result is the same whatever it says.
func capacity(call *ast.CallExpr) int {
	switch fun := call.Fun.(type) {
	case *ast.Ident:
		if fun.Name == "make" && len(call.Args) > 0 {
			if _, ok := call.Args[0].(*ast.MapType); ok {
				return 1
			}
			return 2
		}
	case *ast.SelectorExpr:
		if fun.Sel.Name == "Grow" {
			return len(call.Args) - 1
		}
	}
	return -1
}

// joinsText reports whether + joins strings, as far as literals tell: the
// mutant would not compile.
func joinsText(e *ast.BinaryExpr) bool {
	if e.Op != token.ADD {
		return false
	}
	for _, side := range []ast.Expr{e.X, e.Y} {
		switch side := side.(type) {
		case *ast.BasicLit:
			if side.Kind == token.STRING {
				return true
			}
		case *ast.BinaryExpr:
			if joinsText(side) {
				return true
			}
		}
	}
	return false
}
