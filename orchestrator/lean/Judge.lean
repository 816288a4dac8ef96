/-
Proofs as data: an export of every constant that a file makes, in the format of lean4export, and the judge, which takes
such an export constant by constant through the kernel and says of each what it is, up to proofs. The embedded server is
compiled with this text in it, and so is the gate's program for the user's own Lean. It keeps to what Lean has had since
v4.9, and to what the embedded Lean's code generator can reach. Each side defines before it what differs between them:

- `Token` and `isSet`: how a request is given up;
- `addConstant`: the kernel;
- `judgeContext`: the context in which terms are looked at;
- `sorryPlace`: where a sorry stands, as its label says;
- `seesLibrary`: whether imported constants have their values, which the embedded Lean does not have.
-/

/-! ## Export: every constant of a file as data, in the format of lean4export -/

structure Exporter where
  lookUp  : Name → Option ConstantInfo
  /-- what is to be exported; everything else is the library's, or was exported with another file. None for everything -/
  fresh?  : Option NameSet
  lines   : Array String
  /-- the numbers of what was written, by text -/
  written : Array (List (String × Nat))
  counts  : Nat × Nat × Nat
  exprs   : Array (List (Expr × Nat))
  done    : NameSet

def exportBuckets : Nat := 4096
/-- The number of a primitive with this text: the one that it has, or the next of its kind ("in", "il" or "ie"). -/
def number (x : Exporter) (kind text : String) : Exporter × Nat :=
  let key := kind ++ text
  let k := key.hash.toNat % exportBuckets
  let bucket := match x.written[k]? with | some b => b | none => []
  match bucket.lookup key with
  | some i => (x, i)
  | none =>
    let (n, l, e) := x.counts
    let i := if kind == "in" then n else if kind == "il" then l else e
    let counts := if kind == "in" then (n + 1, l, e) else if kind == "il" then (n, l + 1, e) else (n, l, e + 1)
    let line := "{\"" ++ kind ++ "\":" ++ toString i ++ "," ++ text ++ "}"
    ({ x with lines := x.lines.push line, counts := counts, written := x.written.set! k ((key, i) :: bucket) }, i)

def quoted (s : String) : String := (Json.str s).compress
partial def nameNumber (x : Exporter) (n : Name) : Exporter × Nat :=
  match n with
  | .anonymous => (x, 0)
  | .str p s => let (x, i) := nameNumber x p; number x "in" ("\"str\":{\"pre\":" ++ toString i ++ ",\"str\":" ++ quoted s ++ "}")
  | .num p k => let (x, i) := nameNumber x p; number x "in" ("\"num\":{\"pre\":" ++ toString i ++ ",\"i\":" ++ toString k ++ "}")
partial def levelNumber (x : Exporter) (l : Level) : Exporter × Nat :=
  match l with
  | .zero => (x, 0)
  | .succ l => let (x, i) := levelNumber x l; number x "il" ("\"succ\":" ++ toString i)
  | .max a b =>
    let (x, i) := levelNumber x a; let (x, j) := levelNumber x b
    number x "il" ("\"max\":[" ++ toString i ++ "," ++ toString j ++ "]")
  | .imax a b =>
    let (x, i) := levelNumber x a; let (x, j) := levelNumber x b
    number x "il" ("\"imax\":[" ++ toString i ++ "," ++ toString j ++ "]")
  | .param n => let (x, i) := nameNumber x n; number x "il" ("\"param\":" ++ toString i)
  | .mvar _ => (x, 0)

partial def numbersOf (f : Exporter → α → Exporter × Nat) (x : Exporter) (xs : List α) (acc : String) : Exporter × String :=
  match xs with
  | [] => (x, "[" ++ acc ++ "]")
  | a :: xs => let (x, i) := f x a; numbersOf f x xs (if acc == "" then toString i else acc ++ "," ++ toString i)
def namesText (x : Exporter) (ns : List Name) : Exporter × String := numbersOf nameNumber x ns ""
def binderWord (b : BinderInfo) : String :=
  match b with | .default => "default" | .implicit => "implicit" | .strictImplicit => "strictImplicit" | .instImplicit => "instImplicit"

partial def exprNumber (x : Exporter) (e : Expr) : Exporter × Nat :=
  match e with
  | .mdata _ b => exprNumber x b
  | _ =>
  let k := e.hash.toNat % exportBuckets
  let bucket := match x.exprs[k]? with | some b => b | none => []
  match bucket.lookup e with
  | some i => (x, i)
  | none =>
    let (x, text) := match e with
      | .bvar i => (x, "\"bvar\":" ++ toString i)
      | .sort l => let (x, i) := levelNumber x l; (x, "\"sort\":" ++ toString i)
      | .lit (.natVal n) => (x, "\"natVal\":\"" ++ toString n ++ "\"")
      | .lit (.strVal t) => (x, "\"strVal\":" ++ quoted t)
      | .const n ls =>
        let (x, i) := nameNumber x n; let (x, us) := numbersOf levelNumber x ls ""
        (x, "\"const\":{\"name\":" ++ toString i ++ ",\"us\":" ++ us ++ "}")
      | .app f a =>
        let (x, i) := exprNumber x f; let (x, j) := exprNumber x a
        (x, "\"app\":{\"fn\":" ++ toString i ++ ",\"arg\":" ++ toString j ++ "}")
      | .lam n t b bi => bindingText x "lam" n t b bi
      | .forallE n t b bi => bindingText x "forallE" n t b bi
      | .letE n t v b _ =>
        -- checkers outside take terms that differ in `nondep` alone for one
        let (x, m) := nameNumber x n; let (x, i) := exprNumber x t; let (x, j) := exprNumber x v; let (x, l) := exprNumber x b
        (x, "\"letE\":{\"name\":" ++ toString m ++ ",\"type\":" ++ toString i ++ ",\"value\":" ++ toString j ++ ",\"body\":" ++ toString l ++
          ",\"nondep\":false}")
      | .proj n i b =>
        let (x, m) := nameNumber x n; let (x, j) := exprNumber x b
        (x, "\"proj\":{\"typeName\":" ++ toString m ++ ",\"idx\":" ++ toString i ++ ",\"struct\":" ++ toString j ++ "}")
      | _ => (x, "\"unknown\":true")
    let (x, i) := number x "ie" text
    let bucket := match x.exprs[k]? with | some b => b | none => []
    ({ x with exprs := x.exprs.set! k ((e, i) :: bucket) }, i)
where bindingText (x : Exporter) (kind : String) (n : Name) (t b : Expr) (bi : BinderInfo) : Exporter × String :=
  let (x, m) := nameNumber x n; let (x, i) := exprNumber x t; let (x, j) := exprNumber x b
  (x, "\"" ++ kind ++ "\":{\"name\":" ++ toString m ++ ",\"type\":" ++ toString i ++ ",\"body\":" ++ toString j ++
    ",\"binderInfo\":\"" ++ binderWord bi ++ "\"}")

def line (x : Exporter) (text : String) : Exporter := { x with lines := x.lines.push text }
def boolText (b : Bool) : String := if b then "true" else "false"
def safetyWord (s : DefinitionSafety) : String := match s with | .safe => "safe" | .unsafe => "unsafe" | .partial => "partial"
def hintsText (h : ReducibilityHints) : String :=
  match h with | .opaque => "\"opaque\"" | .abbrev => "\"abbrev\"" | .regular n => "{\"regular\":" ++ toString n.toNat ++ "}"

/-- Name, universe names and type: what each of them begins with. -/
def headText (x : Exporter) (n : Name) (levels : List Name) (type : Expr) : Exporter × String :=
  let (x, i) := nameNumber x n
  let (x, us) := namesText x levels
  let (x, _) := numbersOf levelNumber x (mapList (fun l => Level.param l) levels) ""
  let (x, t) := exprNumber x type
  (x, "\"name\":" ++ toString i ++ ",\"levelParams\":" ++ us ++ ",\"type\":" ++ toString t)

partial def foldTexts (f : Exporter → α → Exporter × String) (x : Exporter) (xs : List α) (acc : String) : Exporter × String :=
  match xs with
  | [] => (x, "[" ++ acc ++ "]")
  | a :: xs => let (x, t) := f x a; foldTexts f x xs (if acc == "" then t else acc ++ "," ++ t)

def constructorText (x : Exporter) (n : Name) : Exporter × String :=
  match x.lookUp n with
  | some (.ctorInfo v) =>
    let (x, head) := headText x v.name v.levelParams v.type
    let (x, i) := nameNumber x v.induct
    (x, "{" ++ head ++ ",\"induct\":" ++ toString i ++ ",\"cidx\":" ++ toString v.cidx ++ ",\"numParams\":" ++ toString v.numParams ++ ",\"numFields\":" ++
      toString v.numFields ++ ",\"isUnsafe\":" ++ boolText v.isUnsafe ++ "}")
  | _ => (x, "null")
def inductiveText (nested : Nat) (x : Exporter) (v : InductiveVal) : Exporter × String :=
  let (x, head) := headText x v.name v.levelParams v.type
  let (x, all) := namesText x v.all
  let (x, ctors) := namesText x v.ctors
  (x, "{" ++ head ++ ",\"numParams\":" ++ toString v.numParams ++ ",\"numIndices\":" ++ toString v.numIndices ++ ",\"all\":" ++ all ++ ",\"ctors\":" ++ ctors ++
    ",\"numNested\":" ++ toString nested ++ ",\"isRec\":" ++ boolText v.isRec ++ ",\"isReflexive\":" ++ boolText v.isReflexive ++ ",\"isUnsafe\":" ++
    boolText v.isUnsafe ++ "}")
def ruleText (x : Exporter) (r : RecursorRule) : Exporter × String :=
  let (x, i) := nameNumber x r.ctor; let (x, e) := exprNumber x r.rhs
  (x, "{\"ctor\":" ++ toString i ++ ",\"nfields\":" ++ toString r.nfields ++ ",\"rhs\":" ++ toString e ++ "}")
def recursorText (x : Exporter) (v : RecursorVal) : Exporter × String :=
  let (x, head) := headText x v.name v.levelParams v.type
  let (x, all) := namesText x v.all
  let (x, rules) := foldTexts ruleText x v.rules ""
  (x, "{" ++ head ++ ",\"all\":" ++ all ++ ",\"numParams\":" ++ toString v.numParams ++ ",\"numIndices\":" ++ toString v.numIndices ++ ",\"numMotives\":" ++
    toString v.numMotives ++ ",\"numMinors\":" ++ toString v.numMinors ++ ",\"rules\":" ++ rules ++ ",\"k\":" ++ boolText v.k ++ ",\"isUnsafe\":" ++
    boolText v.isUnsafe ++ "}")

partial def inductivesOf (lookUp : Name → Option ConstantInfo) (ns : List Name) : List InductiveVal :=
  match ns with | [] => [] | n :: ns => match lookUp n with | some (.inductInfo v) => v :: inductivesOf lookUp ns | _ => inductivesOf lookUp ns
partial def doneWith (ns : List Name) (x : Exporter) : Exporter :=
  match ns with | [] => x | n :: ns => doneWith ns { x with done := x.done.insert n }
partial def recursorsOf (lookUp : Name → Option ConstantInfo) (ns : List Name) : List RecursorVal :=
  match ns with | [] => [] | n :: ns => match lookUp n with | some (.recInfo v) => v :: recursorsOf lookUp ns | _ => recursorsOf lookUp ns
/-- The recursors for nested occurrences, which are numbered from 1. -/
partial def nestedRecursors (lookUp : Name → Option ConstantInfo) (n : Name) (i : Nat) : List RecursorVal :=
  match lookUp (.str n ("rec_" ++ toString i)) with | some (.recInfo v) => v :: nestedRecursors lookUp n (i + 1) | _ => []
/-- The recursors of mutual types, those for nested occurrences included. -/
def allRecursors (lookUp : Name → Option ConstantInfo) (types : List InductiveVal) : List RecursorVal :=
  match types with
  | v :: _ => append (recursorsOf lookUp (mapList (fun t => Name.str t.name "rec") types)) (nestedRecursors lookUp v.name 1)
  | [] => []
partial def typesOf (lookUp : Name → Option ConstantInfo) (ns : List Name) : List Name :=
  match ns with | [] => [] | n :: ns => match lookUp n with | some ci => append (constantsOf ci.type) (typesOf lookUp ns) | none => typesOf lookUp ns
partial def allConstructors (vs : List InductiveVal) : List Name :=
  match vs with | [] => [] | v :: vs => append v.ctors (allConstructors vs)

def quotientNames : List Name := [``Quot, ``Quot.mk, ``Quot.lift, ``Quot.ind]
def quotientWord (k : QuotKind) : String := match k with | .type => "type" | .ctor => "ctor" | .lift => "lift" | .ind => "ind"
partial def exportQuotient (x : Exporter) (ns : List Name) : Exporter :=
  match ns with
  | [] => x
  | n :: ns => match x.lookUp n with
    | some (.quotInfo v) =>
      let (x, head) := headText x n v.levelParams v.type
      exportQuotient (line x ("{\"quot\":{" ++ head ++ ",\"kind\":\"" ++ quotientWord v.kind ++ "\"}}")) ns
    | _ => exportQuotient x ns

mutual
/-- A constant after all that it speaks of. What is `unsafe` is no mathematics, and left out. -/
partial def exportConstant (x : Exporter) (n : Name) : Exporter :=
  if x.done.contains n || (match x.fresh? with | some fresh => !fresh.contains n | none => false) then x else
  match x.lookUp n with
  | none => x
  | some ci =>
    if ci.isUnsafe || ci.isPartial then doneWith [n] x else
    match ci with
    | .ctorInfo v => exportConstant x v.induct
    | .recInfo v => exportConstants (doneWith [n] x) v.all
    | .quotInfo _ => exportQuotient (exportConstants (doneWith quotientNames x) [``Eq]) quotientNames
    | .inductInfo v =>
      let types := inductivesOf x.lookUp v.all
      let ctors := allConstructors types
      let x := doneWith (append v.all ctors) x
      let x := exportConstants x (typesOf x.lookUp (append v.all ctors))
      let recs := allRecursors x.lookUp types
      let x := doneWith (mapList (fun r => r.name) recs) x
      let (x, ts) := foldTexts (inductiveText (listLength recs 0 - listLength types 0)) x types ""
      let (x, cs) := foldTexts constructorText x ctors ""
      let (x, rs) := foldTexts recursorText x recs ""
      line x ("{\"inductive\":{\"types\":" ++ ts ++ ",\"ctors\":" ++ cs ++ ",\"recs\":" ++ rs ++ "}}")
    | _ =>
      let x := doneWith [n] x
      let x := exportConstants (exportConstants x (constantsOf ci.type)) (constantsOfValue ci)
      let (x, head) := headText x n ci.levelParams ci.type
      match ci with
      | .axiomInfo _ => line x ("{\"axiom\":{" ++ head ++ ",\"isUnsafe\":false}}")
      | .thmInfo v =>
        let (x, i) := exprNumber x v.value; let (x, all) := namesText x v.all
        line x ("{\"thm\":{" ++ head ++ ",\"value\":" ++ toString i ++ ",\"all\":" ++ all ++ "}}")
      | .defnInfo v =>
        let (x, i) := exprNumber x v.value; let (x, all) := namesText x v.all
        line x ("{\"def\":{" ++ head ++ ",\"value\":" ++ toString i ++ ",\"hints\":" ++ hintsText v.hints ++ ",\"safety\":\"" ++ safetyWord v.safety ++
          "\",\"all\":" ++ all ++ "}}")
      | .opaqueInfo v =>
        let (x, i) := exprNumber x v.value; let (x, all) := namesText x v.all
        line x ("{\"opaque\":{" ++ head ++ ",\"value\":" ++ toString i ++ ",\"all\":" ++ all ++ ",\"isUnsafe\":false}}")
      | _ => x
partial def exportConstants (x : Exporter) (ns : List Name) : Exporter :=
  match ns with | [] => x | n :: ns => exportConstants (exportConstant x n) ns
end

partial def nameSetOf (ps : List (Name × ConstantInfo)) (acc : NameSet) : NameSet :=
  match ps with | [] => acc | (n, _) :: ps => nameSetOf ps (acc.insert n)

/-- Constants as lines of an export: those among `made`, or, where `whole` is asked for, all that they rest on, too, behind a
line that says what wrote them. Types that literals have without naming them come first. -/
def exportLines (lookUp : Name → Option ConstantInfo) (made : List (Name × ConstantInfo)) (whole : Bool) : Array String :=
  let x : Exporter :=
    { lookUp := lookUp, fresh? := if whole then none else some (nameSetOf made {}), lines := #[], counts := (1, 1, 0), done := {},
      written := emptyLists exportBuckets #[], exprs := emptyLists exportBuckets #[] }
  let head := "{\"meta\":{\"exporter\":{\"name\":\"lean-orchestrator\",\"version\":\"1\"},\"lean\":{\"githash\":" ++ quoted Lean.githash ++
    ",\"version\":" ++ quoted Lean.versionString ++ "},\"format\":{\"version\":\"3.1.0\"}}}"
  let x := if whole then exportConstants (line x head) [``Nat, ``Char.ofNat, ``String.ofList] else x
  (exportConstants x (mapList (fun p => p.1) made)).lines

partial def pushStrings (xs : Array String) (i : Nat) (acc : Array Json) : Array Json :=
  match xs[i]? with | some x => pushStrings xs (i + 1) (acc.push (.str x)) | none => acc
def linesJ (xs : Array String) : Json := .arr (pushStrings xs 0 #[])

/-- How many entries each extension would write to the compiled file. -/
partial def countsOf (es : Array (Name × Array EnvExtensionEntry)) (i : Nat) (acc : List (Name × Nat)) : List (Name × Nat) :=
  if i = 0 then acc else match es[i-1]? with | some (n, xs) => countsOf es (i-1) ((n, xs.size) :: acc) | none => acc

/-! ## The judge: an export is taken constant by constant through the kernel; nothing of a repository is elaborated -/

structure Judging where
  env    : Environment
  names  : Array Name
  levels : Array Level
  exprs  : Array Expr
  /-- what the kernel took, the last first -/
  taken  : List Name
  /-- what it refused, and its words -/
  refused : List (String × String)

def nameAt (g : Judging) (i : Nat) : Except String Name := match g.names[i]? with | some n => .ok n | none => .error "an unknown name"
def levelAt (g : Judging) (i : Nat) : Except String Level := match g.levels[i]? with | some l => .ok l | none => .error "an unknown level"
def exprAt (g : Judging) (i : Nat) : Except String Expr := match g.exprs[i]? with | some e => .ok e | none => .error "an unknown term"
def field (j : Json) (k : String) : Except String Nat :=
  match getNat? j k with | some n => .ok n | none => .error ("no number " ++ k)
def fieldName (g : Judging) (j : Json) (k : String) : Except String Name := do nameAt g (← field j k)
def fieldExpr (g : Judging) (j : Json) (k : String) : Except String Expr := do exprAt g (← field j k)
partial def listAt (f : Nat → Except String α) (ns : List Nat) : Except String (List α) := do
  match ns with | [] => return [] | n :: ns => return (← f n) :: (← listAt f ns)
def fieldNames (g : Judging) (j : Json) (k : String) : Except String (List Name) := listAt (nameAt g) (nats (getList j k))
def binderOf (w : String) : BinderInfo :=
  if w == "implicit" then .implicit else if w == "strictImplicit" then .strictImplicit else if w == "instImplicit" then .instImplicit else .default
def object? (j : Json) (k : String) : Option Json := match j.getObjVal? k with | .ok v => some v | .error _ => none
def pairAt (f : Nat → Except String α) (j : Json) : Except String (α × α) := do
  match j with
  | .arr xs => match nats (arrayToList xs xs.size []) with | [a, b] => return (← f a, ← f b) | _ => throw "no pair"
  | _ => throw "no pair"

def readName (g : Judging) (j : Json) : Except String Name := do
  match object? j "str", object? j "num" with
  | some o, _ =>
    match getString? o "str" with | some t => return .str (← fieldName g o "pre") t | none => throw "a name without text"
  | _, some o => return .num (← fieldName g o "pre") (← field o "i")
  | _, _ => throw "no name"
def readLevel (g : Judging) (j : Json) : Except String Level := do
  match object? j "max", object? j "imax", getNat? j "succ", getNat? j "param" with
  | some p, _, _, _ => let (a, b) ← pairAt (levelAt g) p; return .max a b
  | _, some p, _, _ => let (a, b) ← pairAt (levelAt g) p; return .imax a b
  | _, _, some i, _ => return .succ (← levelAt g i)
  | _, _, _, some i => return .param (← nameAt g i)
  | _, _, _, _ => throw "no level"
def readBinding (g : Judging) (o : Json) (isForall : Bool) : Except String Expr := do
  let n ← fieldName g o "name"; let t ← fieldExpr g o "type"; let b ← fieldExpr g o "body"
  let bi := binderOf (match getString? o "binderInfo" with | some w => w | none => "")
  return if isForall then .forallE n t b bi else .lam n t b bi
def readExpr (g : Judging) (j : Json) : Except String Expr := do
  match object? j "app" with
  | some o => return .app (← fieldExpr g o "fn") (← fieldExpr g o "arg")
  | none =>
  match object? j "const" with
  | some o => return .const (← fieldName g o "name") (← listAt (levelAt g) (nats (getList o "us")))
  | none =>
  match getNat? j "bvar" with
  | some i => return .bvar i
  | none =>
  match object? j "lam", object? j "forallE", object? j "letE", object? j "proj" with
  | some o, _, _, _ => readBinding g o false
  | _, some o, _, _ => readBinding g o true
  | _, _, some o, _ =>
    return .letE (← fieldName g o "name") (← fieldExpr g o "type") (← fieldExpr g o "value") (← fieldExpr g o "body") (getBool o "nondep")
  | _, _, _, some o => return .proj (← fieldName g o "typeName") (← field o "idx") (← fieldExpr g o "struct")
  | _, _, _, _ =>
  match getNat? j "sort", getString? j "natVal", getString? j "strVal" with
  | some i, _, _ => return .sort (← levelAt g i)
  | _, some t, _ => match t.toNat? with | some n => return .lit (.natVal n) | none => throw "no number"
  | _, _, some t => return .lit (.strVal t)
  | _, _, _ => throw "no term"

partial def readTypes (g : Judging) (js : List Json) : Except String (List InductiveType) := do
  match js with
  | [] => return []
  | j :: js =>
    let n ← fieldName g j "name"; let t ← fieldExpr g j "type"; let cs ← fieldNames g j "ctors"
    return { name := n, type := t, ctors := mapList (fun c => { name := c, type := .sort .zero }) cs } :: (← readTypes g js)
partial def constructorTypes (g : Judging) (js : List Json) : Except String (List (Name × Expr)) := do
  match js with | [] => return [] | j :: js => return (← fieldName g j "name", ← fieldExpr g j "type") :: (← constructorTypes g js)
partial def typeOfName (n : Name) (xs : List (Name × Expr)) : Except String Expr :=
  match xs with | [] => .error "a constructor without a type" | (m, t) :: xs => if m == n then .ok t else typeOfName n xs
partial def withTypes (known : List (Name × Expr)) (cs : List Constructor) : Except String (List Constructor) := do
  match cs with | [] => return [] | c :: cs => return { c with type := ← typeOfName c.name known } :: (← withTypes known cs)
partial def completed (known : List (Name × Expr)) (ts : List InductiveType) : Except String (List InductiveType) := do
  match ts with | [] => return [] | t :: ts => return { t with ctors := ← withTypes known t.ctors } :: (← completed known ts)

def readHints (o : Json) : ReducibilityHints :=
  match object? o "hints" with
  | some (.str "abbrev") => .abbrev
  | some h => match getNat? h "regular" with | some n => .regular n.toUInt32 | none => .opaque
  | none => .opaque

/-- The declaration that a line stands for, and the names that it makes. -/
def readDeclaration (g : Judging) (j : Json) : Except String (Declaration × List Name) := do
  match object? j "inductive" with
  | some o =>
    let types := getList o "types"
    let known ← constructorTypes g (getList o "ctors")
    let found ← completed known (← readTypes g types)
    let recs ← constructorTypes g (getList o "recs")
    match types with
    | first :: _ =>
      let names := append (mapList (fun t => t.name) found) (append (mapList (fun c => c.1) known) (mapList (fun r => r.1) recs))
      return (.inductDecl (← fieldNames g first "levelParams") (← field first "numParams") found false, names)
    | [] => throw "no types"
  | none =>
  let (kind, o) ← match object? j "thm", object? j "def", object? j "opaque", object? j "axiom" with
    | some o, _, _, _ => pure ("thm", o)
    | _, some o, _, _ => pure ("def", o)
    | _, _, some o, _ => pure ("opaque", o)
    | _, _, _, some o => pure ("axiom", o)
    | _, _, _, _ => throw "no declaration"
  let n ← fieldName g o "name"
  let levels ← fieldNames g o "levelParams"
  let type ← fieldExpr g o "type"
  if kind == "axiom" then return (.axiomDecl { name := n, levelParams := levels, type := type, isUnsafe := false }, [n])
  let value ← fieldExpr g o "value"
  if kind == "thm" then return (.thmDecl { name := n, levelParams := levels, type := type, value := value, all := [n] }, [n])
  if kind == "opaque" then
    return (.opaqueDecl { name := n, levelParams := levels, type := type, value := value, isUnsafe := false, all := [n] }, [n])
  if getString? o "safety" != some "safe" then throw "not safe"
  return (.defnDecl { name := n, levelParams := levels, type := type, value := value, hints := readHints o, safety := .safe, all := [n] }, [n])

/-- The name that a line of a declaration claims, for the message. -/
def claimedName (g : Judging) (j : Json) : String :=
  let of := fun (o : Json) => match fieldName g o "name" with | .ok n => n.toString | .error _ => ""
  match object? j "thm", object? j "def", object? j "opaque", object? j "axiom" with
  | some o, _, _, _ => of o | _, some o, _, _ => of o | _, _, some o, _ => of o | _, _, _, some o => of o
  | _, _, _, _ => match object? j "inductive" with | some o => (match getList o "types" with | t :: _ => of t | [] => "") | none => ""

/-! What a compiled program computed cannot be computed again here, since no program comes with an export. Where a term says
that it did (`Lean.ofReduceBool c true _`), this is an axiom, named after the program's definition; the whole rests on
`Lean.ofReduceBool` then, which is no axiom that everybody allows. -/

def nativeClaim (c : Name) : Expr :=
  .app (.app (.app (.const ``Eq [.succ .zero]) (.const ``Bool [])) (.app (.const ``Lean.reduceBool []) (.const c []))) (.const ``Bool.true [])
def nativeName (c : Name) : Name := .str c "_native"
def isNativeClaim (env : Environment) (n : Name) : Bool :=
  match n, env.find? n with
  | .str c "_native", some (.axiomInfo v) => (env.getModuleIdxFor? n).isNone && v.type == nativeClaim c
  | _, _ => false

/-- A term with its claims as axioms, and the definitions that they are about. -/
partial def claimsIn (e : Expr) (acc : List Name) : Expr × List Name :=
  match e with
  | .app (.app (.app (.const ``Lean.ofReduceBool ls) (.const c [])) (.const ``Bool.true ks)) _ =>
    (.app (.app (.app (.const ``Lean.ofReduceBool ls) (.const c [])) (.const ``Bool.true ks)) (.const (nativeName c) []), c :: acc)
  | .app f a => let (f, acc) := claimsIn f acc; let (a, acc) := claimsIn a acc; (.app f a, acc)
  | .lam n t b bi => let (t, acc) := claimsIn t acc; let (b, acc) := claimsIn b acc; (.lam n t b bi, acc)
  | .forallE n t b bi => let (t, acc) := claimsIn t acc; let (b, acc) := claimsIn b acc; (.forallE n t b bi, acc)
  | .letE n t v b nondep =>
    let (t, acc) := claimsIn t acc; let (v, acc) := claimsIn v acc; let (b, acc) := claimsIn b acc; (.letE n t v b nondep, acc)
  | .proj n i b => let (b, acc) := claimsIn b acc; (.proj n i b, acc)
  | _ => (e, acc)
def believed (d : Declaration) : Declaration × List Name :=
  match d with
  | .thmDecl v =>
    if (constantsOf v.value).contains ``Lean.ofReduceBool then
      let (e, cs) := claimsIn v.value []
      (.thmDecl { name := v.name, levelParams := v.levelParams, type := v.type, value := e, all := v.all }, cs)
    else (d, [])
  | _ => (d, [])
partial def withClaims (env : Environment) (cs : List Name) (tk : Token) : IO Environment := do
  match cs with
  | [] => return env
  | c :: cs =>
    if env.contains (nativeName c) then withClaims env cs tk else
    match ← addConstant env (.axiomDecl { name := nativeName c, levelParams := [], type := nativeClaim c, isUnsafe := false }) tk with
    | .ok env => withClaims env cs tk
    | .error _ => withClaims env cs tk

def judgeLine (g : Judging) (j : Json) (tk : Token) : IO Judging := do
  let no := fun (g : Judging) (words : String) => { g with refused := (claimedName g j, words) :: g.refused }
  match getNat? j "in", getNat? j "il", getNat? j "ie" with
  | some i, _, _ => match readName g j with
    | .ok n => return if i == g.names.size then { g with names := g.names.push n } else no g "names out of order"
    | .error e => return no g e
  | _, some i, _ => match readLevel g j with
    | .ok l => return if i == g.levels.size then { g with levels := g.levels.push l } else no g "levels out of order"
    | .error e => return no g e
  | _, _, some i => match readExpr g j with
    | .ok e => return if i == g.exprs.size then { g with exprs := g.exprs.push e } else no g "terms out of order"
    | .error e => return no g e
  | _, _, _ => match readDeclaration g j with
    | .error e => return no g e
    | .ok (d, names) =>
      let (d, claims) := believed d
      match ← addConstant (← withClaims g.env claims tk) d tk with
      | .ok env =>
        -- what an inductive type brings is what the kernel makes of it, not what the export says
        return { g with env := env, taken := append (filterList (fun n => env.contains n) names) g.taken }
      | .error e => return no g e

partial def judgeLines (g : Judging) (js : List Json) (tk : Token) : IO Judging := do
  match js with | [] => return g | j :: js => judgeLines (← judgeLine g j tk) js tk

/-! Equal up to proofs: before terms are compared, every proof in them gives way to one constant. -/

def erased : Expr := .const `_proof []
/-- What an auxiliary definition is called depends on what was elaborated before it, so its value is compared. -/
def ownValue? (env : Environment) (n : Name) (ls : List Level) : Option Expr :=
  if (env.getModuleIdxFor? n).isSome || !(isAuxiliary n || isMatcher env n) then none else
  match env.find? n with | some (.defnInfo v) => some (v.value.instantiateLevelParams v.levelParams ls) | _ => none
def isProof (e : Expr) : MetaM Bool := do try Meta.isProof e catch _ => return false

mutual
partial def eraseProofs (next : IO.Ref Nat) (e : Expr) : MetaM Expr := do
  match e with
  | .mdata _ b => eraseProofs next b
  | .sort _ => return e
  | .lit _ => return e
  | .bvar _ => return e
  | .forallE n t b bi => return .forallE n (← eraseProofs next t) (← eraseUnder next n t none bi b) bi
  | _ =>
  if e.getAppFn.isConstOf ``sorryAx then
    -- a sorry in data is one whatever it is labelled with
    match firstArgument e with
    | some t => if ← isProof e then return erased else return .app (.const ``sorryAx []) (← eraseProofs next t)
    | none => return e
  else if ← isProof e then return erased
  else match e with
  | .const n ls => match ownValue? (← getEnv) n ls with | some v => eraseProofs next v | none => return e
  | .app f a => return .app (← eraseHead next f) (← eraseProofs next a)
  | .lam n t b bi => return .lam n (← eraseProofs next t) (← eraseUnder next n t none bi b) bi
  | .letE n t v b nondep => return .letE n (← eraseProofs next t) (← eraseProofs next v) (← eraseUnder next n t (some v) .default b) nondep
  | .proj n i b => return .proj n i (← eraseProofs next b)
  | _ => return e
/-- A function that is applied to something is no proof, or the whole would be one. -/
partial def eraseHead (next : IO.Ref Nat) (e : Expr) : MetaM Expr := do
  match e with
  | .mdata _ b => eraseHead next b
  | .app f a => return .app (← eraseHead next f) (← eraseProofs next a)
  | .const n ls => match ownValue? (← getEnv) n ls with | some v => eraseProofs next v | none => return e
  | _ => eraseProofs next e
partial def eraseUnder (next : IO.Ref Nat) (n : Name) (t : Expr) (v? : Option Expr) (bi : BinderInfo) (b : Expr) : MetaM Expr := do
  let i ← next.get
  next.set (i + 1)
  let id : FVarId := ⟨.num `_judge i⟩
  let inside : MetaM Expr := do return (← eraseProofs next (b.instantiate1 (.fvar id))).abstract #[.fvar id]
  fun c r => inside { c with lctx := match v? with | some v => c.lctx.mkLetDecl id n t v | none => c.lctx.mkLocalDecl id n t bi } r
end

def erasedText (env : Environment) (e : Expr) (tk : Token) : IO String := do
  let st : Core.State := { env := env, ngen := {} }
  let next ← IO.mkRef 0
  try
    let ((e, _), _) ← ((eraseProofs next e).run {} {}).toIO (judgeContext tk) st
    return exprText env e
  catch _ => return exprText env e

def isImported (env : Environment) (n : Name) : Bool := (env.getModuleIdxFor? n).isSome
/-- The declaration that an auxiliary constant belongs to: the nearest one, imported like it or not, that its name stands below. -/
partial def ownerAbove (env : Environment) (imported : Bool) (n : Name) : Name :=
  match n with
  | .str p _ => if !isAuxiliary p && env.contains p && isImported env p == imported then p else ownerAbove env imported p
  | .num p _ => ownerAbove env imported p
  | .anonymous => .anonymous
def ownerOf (env : Environment) (n : Name) : Name := ownerAbove env (isImported env n) n
/-- Whether a sorry below `n` is one of `n` itself: constants that others made are theirs. -/
def isOthers (env : Environment) (n m : Name) : Bool :=
  n != m && (isImported env m || !isAuxiliary m || (let o := ownerOf env m; !o.isAnonymous && o != n))

partial def sorriesIn (e : Expr) (seen : Array (List (Expr × Nat))) (acc : List Json) : Array (List (Expr × Nat)) × List Json :=
  if !e.hasSorry then (seen, acc) else
  let k := bucketOf e
  let bucket := match seen[k]? with | some b => b | none => []
  match bucket.lookup e with
  | some _ => (seen, acc)
  | none =>
    let seen := seen.set! k ((e, 0) :: bucket)
    if e.getAppFn.isConstOf ``sorryAx then
      let place := match sorryPlace e with | some p => positionJ p | none => .null
      (seen, place :: acc)
    else match e with
    | .app f a => let (seen, acc) := sorriesIn f seen acc; sorriesIn a seen acc
    | .lam _ t b _ => let (seen, acc) := sorriesIn t seen acc; sorriesIn b seen acc
    | .forallE _ t b _ => let (seen, acc) := sorriesIn t seen acc; sorriesIn b seen acc
    | .letE _ t v b _ => let (seen, acc) := sorriesIn t seen acc; let (seen, acc) := sorriesIn v seen acc; sorriesIn b seen acc
    | .mdata _ b => sorriesIn b seen acc
    | .proj _ _ b => sorriesIn b seen acc
    | _ => (seen, acc)
/-- Where the sorries of a constant stand in the text of its file, null for one that does not say. -/
def sorryPlaces (ci : ConstantInfo) : List Json :=
  let (seen, acc) := sorriesIn ci.type (emptyBuckets buckets #[]) []
  match valueOf ci with | some v => (sorriesIn v seen acc).2 | none => acc

/-! What constants rest on, each looked at once -/

structure Rest where
  axioms  : List Name
  /-- imported constants that have a sorry of their own -/
  sorried : List Name
/-- What is known of imported constants, which no export changes, and of the others. -/
structure Known where
  library : Array (List (Name × Rest))
  own     : Array (List (Name × Rest))
instance : Inhabited Rest := ⟨⟨[], []⟩⟩
instance : Inhabited Known := ⟨⟨#[], #[]⟩⟩
def knownBuckets : Nat := 16384
def nothingKnown : Known := { library := emptyLists knownBuckets #[], own := emptyLists knownBuckets #[] }
/-- The same without what is known of an export. -/
def ofTheLibrary (k : Known) : Known := { library := k.library, own := emptyLists knownBuckets #[] }
def inBucket? (known : Array (List (Name × Rest))) (n : Name) : Option Rest :=
  match known[n.hash.toNat % knownBuckets]? with | some b => b.lookup n | none => none
def put (known : Array (List (Name × Rest))) (n : Name) (r : Rest) : Array (List (Name × Rest)) :=
  let i := n.hash.toNat % knownBuckets
  let bucket := match known[i]? with | some b => b | none => []
  known.set! i ((n, r) :: bucket)
def together (xs ys : List Name) : List Name := append (filterList (fun x => !ys.contains x) xs) ys

/-- A type, its constructors and its recursors speak of one another, as do mutual types: they are looked at as one, under
the first type's name. -/
def representative (env : Environment) (n : Name) (ci : ConstantInfo) : Name :=
  let firstOf := fun (ns : List Name) => match ns with | m :: _ => m | [] => n
  match ci with
  | .inductInfo v => firstOf v.all
  | .recInfo v => firstOf v.all
  | .ctorInfo v => match env.find? v.induct with | some (.inductInfo t) => firstOf t.all | _ => n
  | _ => n
def usedBy (env : Environment) (n : Name) : List Name :=
  match env.find? n with
  | some (.inductInfo v) => typesOf env.find? (append v.all (allConstructors (inductivesOf env.find? v.all)))
  | some ci => append (constantsOf ci.type) (constantsOfValue ci)
  | none => []

mutual
partial def restOf (env : Environment) (k : Known) (n : Name) : Known × Rest :=
  match env.find? n with
  | none => (k, ⟨[], []⟩)
  | some ci =>
    let n := representative env n ci
    let imported := isImported env n
    match inBucket? (if imported then k.library else k.own) n with
    | some r => (k, r)
    | none =>
      let keep := fun (k : Known) (r : Rest) => if imported then { k with library := put k.library n r } else { k with own := put k.own n r }
      let isAxiom := match ci with | .axiomInfo _ => !imported || seesLibrary || isKnownAxiom n | _ => false
      -- what the kernel runs compiled code for rests on the compiler, also where the library does not show it
      let runsCode := imported && !seesLibrary && (n == `Lean.reduceBool || n == `Lean.reduceNat)
      let own : Rest := ⟨if isAxiom then [n] else if runsCode then [`Lean.trustCompiler] else [], []⟩
      if imported && !seesLibrary then (keep k own, own) else
      let used := usedBy env n
      let own : Rest := if imported && used.contains ``sorryAx then { own with sorried := [n] } else own
      -- whatever comes back to it adds nothing
      let (k, r) := restOfAll env (keep k ⟨[], []⟩) used own
      (keep k r, r)
partial def restOfAll (env : Environment) (k : Known) (ns : List Name) (acc : Rest) : Known × Rest :=
  match ns with
  | [] => (k, acc)
  | n :: ns =>
    let (k, r) := restOf env k n
    restOfAll env k ns ⟨together r.axioms acc.axioms, together r.sorried acc.sorried⟩
end

def ownerJ (env : Environment) (n : Name) : Json :=
  let owner := if isAuxiliary n then ownerOf env n else .anonymous
  .str (if owner.isAnonymous then "" else (userName owner).toString)

def judgedOne (env : Environment) (tk : Token) (n : Name) (rest : Rest) : IO Json := do
  match env.find? n with
  | none => return .null
  | some ci =>
    let isTheorem := match ci with | .thmInfo _ => true | _ => false
    let type ← erasedText env ci.type tk
    let value ← match isTheorem, valueOf ci with | false, some v => erasedText env v tk | _, _ => pure ""
    let mentioned := append (constantsOf ci.type) (append (constantsOfValue ci) (constructorsOf ci))
    let uses := append (filterList (fun n => !isImported env n) mentioned) rest.sorried
    -- whoever believes what compiled code computes believes the compiler
    let said := fun (a : Name) => !seesLibrary && a == `Lean.trustCompiler && rest.axioms.contains `Lean.ofReduceBool
    let axioms := filterList (fun a => !isNativeClaim env a && !said a) rest.axioms
    let axiomText := if seesLibrary then nameJ else axiomJ env
    return Json.mkObj [("name", nameJ n), ("userName", userNameJ n), ("kind", .str (kindOf ci)), ("levels", listJ nameJ ci.levelParams),
      ("auxiliary", .bool (isAuxiliary n)), ("owner", ownerJ env n), ("sorryPlaces", listJ id' (sorryPlaces ci)), ("type", .str type),
      ("value", .str value), ("axioms", listJ axiomText axioms),
      ("hasSorry", .bool (axioms.contains ``sorryAx)),
      ("ownSorry", .bool (axioms.contains ``sorryAx && ownSorry (isOthers env n) env [n] {})),
      ("typeHasSorry", .bool ci.type.hasSorry), ("uses", listJ nameJ uses)]
where id' (j : Json) : Json := j

/-- An imported constant that has a sorry of its own, as little as has to be known of it. -/
def sorriedJ (env : Environment) (n : Name) : Json :=
  let kind := match env.find? n with | some ci => kindOf ci | none => ""
  Json.mkObj [("name", nameJ n), ("userName", userNameJ n), ("kind", .str kind), ("levels", .arr #[]), ("auxiliary", .bool (isAuxiliary n)),
    ("owner", ownerJ env n), ("type", .str ""), ("value", .str ""), ("axioms", listJ nameJ [``sorryAx]), ("hasSorry", .bool true),
    ("ownSorry", .bool true), ("typeHasSorry", .bool false), ("uses", .arr #[])]

structure Judged where
  env      : Environment
  known    : Known
  facts    : Array Json := #[]
  sorried  : List Name := []

partial def judgeAll (g : Judged) (ns : List Name) (tk : Token) : IO Judged := do
  match ns with
  | [] => return g
  | n :: ns =>
    let (known, rest) := restOf g.env g.known n
    let fact ← judgedOne g.env tk n rest
    judgeAll { g with known := known, facts := g.facts.push fact, sorried := together rest.sorried g.sorried } ns tk

def refusedJ (r : String × String) : Json := Json.mkObj [("name", .str r.1), ("error", .str r.2)]

/-- An export taken through the kernel on top of `env`: the environment with it, what is known of the library now, and the reply
but for the number of that environment. -/
def judgeExport (env : Environment) (known : Known) (lines : List Json) (tk : Token) : IO (Environment × Known × List (String × Json)) := do
  let g : Judging := { env := env, names := #[.anonymous], levels := #[.zero], exprs := #[], taken := [], refused := [] }
  let g ← judgeLines g lines tk
  let judged ← judgeAll { env := g.env, known := ofTheLibrary known } (reverse g.taken) tk
  return (g.env, ofTheLibrary judged.known, [("declarations", .arr judged.facts), ("below", listJ (sorriedJ g.env) judged.sorried),
    ("refused", listJ refusedJ (reverse g.refused)), ("interrupted", .bool (← isSet tk))])
