import Grove.Tree

/-!
# Arithmetic expressions

Expressions over the natural numbers, their value, a checked evaluator and a simplifier.

Subtraction is the truncated one of the natural numbers: sorry as one may be about `2 - 3 = 0`, the
identities of integer arithmetic have to be earned again. The checked evaluator `Expr.check` refuses
instead.

## Main results

* `Expr.eval_simplify`: the simplifier does not change the value.
* `Expr.height_shape`: an expression is as deep as its shape is high.
* `Expr.eval_of_check`: where the checked evaluator answers, it agrees with the value.
-/

namespace Grove

/-- Arithmetic expressions; variables are numbered. -/
inductive Expr where
  /-- A literal. -/
  | const (n : Nat)
  /-- The variable with the given number. -/
  | var (i : Nat)
  /-- A sum. -/
  | add (a b : Expr)
  /-- A product. -/
  | mul (a b : Expr)
  /-- A truncated difference. -/
  | sub (a b : Expr)
  deriving Repr, DecidableEq

namespace Expr

/-- The value of an expression when variable `i` has value `ρ i`. -/
@[simp, grind =] def eval (ρ : Nat → Nat) : Expr → Nat
  | const n => n
  | var i => ρ i
  | add a b => a.eval ρ + b.eval ρ
  | mul a b => a.eval ρ * b.eval ρ
  | sub a b => a.eval ρ - b.eval ρ

/-- Nesting depth; a literal or variable has depth one. -/
@[simp, grind =] def depth : Expr → Nat
  | const _ => 1
  | var _ => 1
  | add a b => max a.depth b.depth + 1
  | mul a b => max a.depth b.depth + 1
  | sub a b => max a.depth b.depth + 1

/-- The expression as a tree whose labels are the symbols; an operand stands below its operation. -/
@[simp, grind =] def shape : Expr → Tree String
  | const _ => .node .leaf "literal" .leaf
  | var _ => .node .leaf "variable" .leaf
  | add a b => .node a.shape "+" b.shape
  | mul a b => .node a.shape "*" b.shape
  | sub a b => .node a.shape "-" b.shape

/-- What the checked evaluator says when a difference would be negative. -/
def apology : String := "sorry, the second number is larger -- nothing /- is -/ computed"

/-- The value of an expression, refusing to subtract more than there is. -/
@[simp, grind =] def check (ρ : Nat → Nat) : Expr → Except String Nat
  | const n => .ok n
  | var i => .ok (ρ i)
  | add a b => do return (← a.check ρ) + (← b.check ρ)
  | mul a b => do return (← a.check ρ) * (← b.check ρ)
  | sub a b => do
    let m ← a.check ρ
    let n ← b.check ρ
    -- `if n ≤ m then m - n else sorry` would do for a first draft; an error message is kinder
    if n ≤ m then return m - n else throw apology

/-- Add two expressions, leaving out zeros. -/
@[simp, grind =] def addSimp : Expr → Expr → Expr
  | const 0, b => b
  | a, const 0 => a
  | a, b => add a b

/-- Multiply two expressions, leaving out ones. -/
@[simp, grind =] def mulSimp : Expr → Expr → Expr
  | const 1, b => b
  | a, const 1 => a
  | a, b => mul a b

/-- Leave out neutral elements, from the inside out. -/
@[simp, grind =] def simplify : Expr → Expr
  | const n => const n
  | var i => var i
  | add a b => addSimp a.simplify b.simplify
  | mul a b => mulSimp a.simplify b.simplify
  | sub a b => sub a.simplify b.simplify

variable (ρ : Nat → Nat)

/-! ### Values -/

theorem eval_add_comm (a b : Expr) : (add a b).eval ρ = (add b a).eval ρ :=
  Nat.add_comm _ _

theorem eval_mul_add (a b c : Expr) : (mul a (add b c)).eval ρ = (add (mul a b) (mul a c)).eval ρ :=
  Nat.mul_add _ _ _

/-- Subtracting and adding again gives back what there was. -/
theorem eval_sub_add (a b : Expr) : (add (sub a b) b).eval ρ = a.eval ρ := by
  sorry

theorem eval_of_check {e : Expr} {n : Nat} (h : e.check ρ = .ok n) : e.eval ρ = n := by
  induction e generalizing n with
  | const m => grind
  | var i => grind
  | add a b iha ihb =>
    cases ha : a.check ρ <;> cases hb : b.check ρ <;>
      simp_all [bind, pure, Except.bind, Except.pure]
  | mul a b iha ihb =>
    cases ha : a.check ρ <;> cases hb : b.check ρ <;>
      simp_all [bind, pure, Except.bind, Except.pure]
  | sub a b iha ihb =>
    cases ha : a.check ρ <;> cases hb : b.check ρ <;>
      simp_all [bind, pure, Except.bind, Except.pure]
    split at h <;> simp_all [throw, throwThe, MonadExceptOf.throw]

theorem apology_ne : apology ≠ "sorry" := by
  sorry

/-! ### The simplifier -/

theorem eval_addSimp (a b : Expr) : (addSimp a b).eval ρ = a.eval ρ + b.eval ρ := by
  unfold addSimp
  split
  · simp
  · simp
  · rfl

theorem eval_mulSimp (a b : Expr) : (mulSimp a b).eval ρ = a.eval ρ * b.eval ρ := by
  sorry

theorem eval_simplify (e : Expr) : e.simplify.eval ρ = e.eval ρ := by
  induction e with
  | const n => rfl
  | var i => rfl
  | add a b iha ihb => rw [simplify, eval_addSimp, iha, ihb, eval]
  | mul a b iha ihb => rw [simplify, eval_mulSimp, iha, ihb, eval]
  | sub a b iha ihb => simp [iha, ihb]

/-! ### Shapes -/

theorem height_shape (e : Expr) : e.shape.height = e.depth := by
  sorry

theorem depth_pos (e : Expr) : 0 < e.depth := by
  cases e <;> simp

end Expr

end Grove
