/-
A file and its patch side by side, as syntax trees: the owner's commands are elaborated, the patch's are parsed and never
run. The embedded server is compiled with this text in it, and so is the gate's program for the user's own Lean; each
defines before it how a command is elaborated there (`elabForEffect`), what messages there are (`messagesOf`), and whether
an `example` is kept (`keepsExamples`).
-/

def headScope (cs : Command.State) : Command.Scope :=
  match cs.scopes with | s :: _ => s | [] => { header := "", opts := {} }

def parseOne (ictx : Parser.InputContext) (ps : Parser.ModuleParserState) (cs : Command.State) :
    Syntax × Parser.ModuleParserState × List Message :=
  let scope := headScope cs
  let pm : Parser.ParserModuleContext :=
    { env := cs.env, options := scope.opts, currNamespace := scope.currNamespace, openDecls := scope.openDecls }
  let (stx, ps, msgs) := Parser.parseCommand ictx pm ps {}
  (stx, ps, messagesOf msgs)

/-- An `example` leaves no constant behind, so that there is nothing to judge: here it is a definition with a name of its own,
the count of examples before it. -/
def isExample (stx : Syntax) : Bool := stx.isOfKind ``Parser.Command.declaration && stx[1].isOfKind ``Parser.Command.example
def namedExample (n : Nat) (stx : Syntax) : Syntax :=
  if !isExample stx then stx else
  let ident : Syntax := (mkIdent (.num `_example n)).raw
  let declId : Syntax := .node .none ``Parser.Command.declId #[ident, .node .none nullKind #[]]
  let body : Syntax := .node .none ``Parser.Command.definition #[.atom .none "def ", declId, stx[1][1], stx[1][2], .node .none nullKind #[]]
  let modifiers := stx[0].setArg 4 (.node .none nullKind #[.node .none ``Parser.Command.noncomputable #[.atom .none "noncomputable "]])
  .node .none ``Parser.Command.declaration #[modifiers, body]

/-- The number of a file's first example: those of the files below have the numbers before it. -/
partial def firstExample (env : Environment) (n : Nat) : Nat := if env.contains (.num `_example n) then firstExample env (n + 1) else n

partial def pushTrees (f : Syntax → Json) (xs : Array Syntax) (i : Nat) (acc : Array Json) : Array Json :=
  match xs[i]? with | some x => pushTrees f xs (i + 1) (acc.push (f x)) | none => acc
/-- A node is its kind and its children, an atom its text, an identifier an object; white space and comments are left out. -/
partial def treeJ (stx : Syntax) : Json :=
  match stx with
  | .missing => .null
  | .atom _ text => .str text
  | .ident _ _ name _ => Json.mkObj [("ident", .str name.toString)]
  | .node _ kind children => .arr (pushTrees treeJ children 0 #[.str kind.toString])

mutual
partial def sameTree (a b : Syntax) : Bool :=
  match a, b with
  | .missing, .missing => true
  | .atom _ s, .atom _ t => s == t
  | .ident _ _ m _, .ident _ _ n _ => m == n
  | .node _ k xs, .node _ l ys => k == l && xs.size == ys.size && sameTrees xs ys 0
  | _, _ => false
partial def sameTrees (xs ys : Array Syntax) (i : Nat) : Bool :=
  match xs[i]?, ys[i]? with | some x, some y => sameTree x y && sameTrees xs ys (i + 1) | none, none => true | _, _ => false
end

/-- The name in a declaration's text, anonymous where it has none. -/
def declaredName (stx : Syntax) : Name :=
  if stx.isOfKind ``Parser.Command.declaration && stx[1][1].isOfKind ``Parser.Command.declId then stx[1][1][0].getId else .anonymous

structure Pairing where
  state    : Command.State
  /-- of reading the patch -/
  messages : List Message
  /-- of elaborating the original -/
  said     : List Message := []
  /-- what differs, the last first -/
  pairs    : List Json
  examples : Nat := 0

/-- The full name that a declaration's text gives, as a user writes it. -/
def fullName (cs : Command.State) (stx : Syntax) : String :=
  match declaredName stx with
  | .anonymous => ""
  | n => (if n.getRoot == `_root_ then n.replacePrefix `_root_ .anonymous else (headScope cs).currNamespace ++ n).toString

/-- A command of both texts, or of the patch alone, with the names of what the original's makes. -/
def pairJ (o ictx : Parser.InputContext) (cs : Command.State) (original patched : Option Syntax) (made : List Name) : Json :=
  let side := fun (stx? : Option Syntax) => match stx? with | some stx => treeJ stx | none => .null
  let place := fun (text : Parser.InputContext) (stx? : Option Syntax) => match stx? with
    | some stx => (match stx.getPos? with | some p => positionJ (text.fileMap.toPosition p) | none => .null)
    | none => .null
  Json.mkObj [("original", side original), ("patched", side patched), ("pos", place ictx patched), ("originalPos", place o original),
    ("made", listJ nameJ made),
    ("declared", match patched with | some stx => .str (fullName cs stx) | none => .str "")]

/-- Walk both texts in the environments that the original's commands make. A named declaration that the original has not at
this place stands in the patch alone; anything else that differs is a pair. -/
partial def pairCommands (o p : Parser.InputContext) (os ps : Parser.ModuleParserState) (floor : Nat) (tk : Token) (out : Pairing) :
    IO Pairing := do
  let cs := out.state
  let (original, os', _) := parseOne o os cs
  let (patched, ps', parseMessages) := parseOne p ps cs
  let wrong := filterList (fun m => match m.severity with | .error => true | _ => false) parseMessages
  let out := { out with messages := append out.messages wrong }
  let same := sameTree original patched
  let name := declaredName patched
  if !same && !name.isAnonymous && name != declaredName original then
    pairCommands o p os ps' floor tk { out with pairs := pairJ o p cs none (some patched) [] :: out.pairs }
  else
    if Parser.isTerminalCommand original then
      return if same then out else { out with pairs := pairJ o p cs (some original) (some patched) [] :: out.pairs }
    let (cs', said) ← elabForEffect o os (if keepsExamples then namedExample out.examples original else original) cs tk
    let out := { out with said := append out.said said, examples := if isExample original then out.examples + 1 else out.examples }
    let made := if same then [] else mapList (fun q => q.1) (newConstants cs.env cs'.env)
    let out := { out with state := cs', pairs := if same then out.pairs else pairJ o p cs (some original) (some patched) made :: out.pairs }
    if listLength cs'.scopes 0 < floor || Parser.isTerminalCommand patched then return out
    pairCommands o p os' ps' floor tk out

