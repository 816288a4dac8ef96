/-
The file that `lean --run` is given. It puts the compiled code of the server, `Server.ir` beside this file, into its own
environment, where `--run` finds `main`. The imports here must bring everything that code refers to.
-/
import Lean.Elab.Frontend
import Lean.Elab.Tactic.Basic
import Lean.Elab.Term
open Lean

namespace Boot

unsafe def find (entries : Array (Name × Array EnvExtensionEntry)) (i : Nat) : Array EnvExtensionEntry :=
  match entries[i]? with
  | some (name, found) => if name == `Lean.IR.declMapExt then found else find entries (i + 1)
  | none => #[]

unsafe def load (file : System.FilePath) : CoreM Unit := do
  let (data, _) ← readModuleData file
  IR.addDecls (unsafeCast (find data.entries 0))

unsafe def run : Elab.Command.CommandElabM Unit := fun context ref => do
  let state ← ref.get
  let file := (System.FilePath.mk context.fileName).withFileName "Server.ir"
  match ← EIO.toBaseIO (Core.CoreM.toIO (load file) { fileName := "", fileMap := default } { env := state.env }) with
  | .ok (_, core) => ref.set { state with env := core.env }
  | .error e => throw (.error .missing (toMessageData (toString e)))

end Boot

run_cmd (unsafe Boot.run)
