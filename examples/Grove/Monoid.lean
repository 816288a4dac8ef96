/-!
# Monoids

A small hierarchy of monoids of its own, with powers, products of lists and cancellation. The
operation is written `a ⋄ b`, the neutral element `ε`; both notations are scoped to the namespace
`Grove`.

## Main definitions

* `Monoid`, `CommMonoid`: the classes.
* `Tally`, `Largest`, `Endo`: counting and summing up, the maximum, the transformations of a set.
* `power a n`: the product of `n` copies of `a`.
* `product l`: the product of a list, in order.
-/

universe u

namespace Grove

/-- A set with an associative operation and a neutral element. -/
class Monoid (M : Type u) where
  /-- The neutral element, written `ε`. -/
  one : M
  /-- The operation, written `a ⋄ b`. -/
  op : M → M → M
  one_op (a : M) : op one a = a
  op_one (a : M) : op a one = a
  op_assoc (a b c : M) : op (op a b) c = op a (op b c)

@[inherit_doc] scoped infixl:70 " ⋄ " => Monoid.op
@[inherit_doc] scoped notation "ε" => Monoid.one

attribute [simp, grind =] Monoid.one_op Monoid.op_one
attribute [grind =] Monoid.op_assoc

/-- A monoid in which the order of the factors does not matter. -/
class CommMonoid (M : Type u) extends Monoid M where
  op_comm (a b : M) : a ⋄ b = b ⋄ a

/-! ### Instances -/

/-- How many observations there were, and their sum: what it takes to report a mean. -/
@[ext] structure Tally where
  /-- The number of observations. -/
  count : Nat
  /-- The sum of the observations. -/
  total : Nat
  deriving DecidableEq, Repr

/-- Natural numbers under maximum. -/
@[ext] structure Largest where
  /-- The underlying number. -/
  val : Nat
  deriving DecidableEq, Repr

/-- Transformations of a set. -/
@[ext] structure Endo (α : Type u) where
  /-- The underlying function. -/
  apply : α → α

instance Tally.instCommMonoid : CommMonoid Tally where
  one := ⟨0, 0⟩
  op a b := ⟨a.count + b.count, a.total + b.total⟩
  one_op a := by simp
  op_one a := rfl
  op_assoc a b c := by simp [Nat.add_assoc]
  op_comm a b := sorry

@[simp, grind =] theorem Tally.count_one : (ε : Tally).count = 0 := rfl

@[simp, grind =] theorem Tally.count_op (a b : Tally) : (a ⋄ b).count = a.count + b.count := rfl

@[simp, grind =] theorem Tally.total_one : (ε : Tally).total = 0 := rfl

@[simp, grind =] theorem Tally.total_op (a b : Tally) : (a ⋄ b).total = a.total + b.total := rfl

instance Largest.instCommMonoid : CommMonoid Largest where
  one := ⟨0⟩
  op a b := ⟨max a.val b.val⟩
  one_op a := by simp
  op_one a := by simp
  op_assoc a b c := by grind
  op_comm a b := by ext; exact Nat.max_comm a.val b.val

/-- In `f ⋄ g` the transformation `f` comes first. -/
instance Endo.instMonoid {α : Type u} : Monoid (Endo α) where
  one := ⟨fun x => x⟩
  op f g := ⟨fun x => g.apply (f.apply x)⟩
  one_op _ := rfl
  op_one _ := rfl
  op_assoc := fun f g h => sorry

/-! ### Powers and products -/

section Monoid

variable {M : Type u} [Monoid M]

/-- `power a n` is `a ⋄ a ⋄ ⋯ ⋄ a` with `n` factors. -/
@[simp, grind =] def power (a : M) : Nat → M
  | 0 => ε
  | n + 1 => power a n ⋄ a

/-- The product of a list, from left to right. -/
@[simp, grind =] def product : List M → M
  | [] => ε
  | a :: l => a ⋄ product l

theorem power_one (a : M) : power a 1 = a := by
  simp

theorem power_add (a : M) (m n : Nat) : power a (m + n) = power a m ⋄ power a n := by
  induction n with
  | zero => simp
  | succ n ih => rw [← Nat.add_assoc, power, ih, power, Monoid.op_assoc]

theorem product_append (l₁ l₂ : List M) : product (l₁ ++ l₂) = product l₁ ⋄ product l₂ := by
  induction l₁ <;> sorry

/-- The power of a product is the product of the powers. -/
theorem power_op (a b : M) (n : Nat) : power (a ⋄ b) n = power a n ⋄ power b n := by
  sorry

/-- There is only one left-neutral element. -/
theorem eq_one_of_forall_op {e : M} (h : ∀ a, e ⋄ a = a) : e = ε :=
  (Monoid.op_one e).symm.trans (h ε)

/-- An element with a left inverse can be cancelled on the left. -/
theorem op_left_cancel {a b c x : M} (hx : x ⋄ a = ε) (h : a ⋄ b = a ⋄ c) : b = c :=
  calc
    b = ε ⋄ b := (Monoid.one_op b).symm
    _ = (x ⋄ a) ⋄ b := by rw [hx]
    _ = x ⋄ (a ⋄ b) := sorry
    _ = x ⋄ (a ⋄ c) := by rw [h]
    _ = (x ⋄ a) ⋄ c := (Monoid.op_assoc x a c).symm
    _ = c := by rw [hx, Monoid.one_op]

end Monoid

section CommMonoid

variable {M : Type u} [CommMonoid M]

theorem op_left_comm (a b c : M) : a ⋄ (b ⋄ c) = b ⋄ (a ⋄ c) := by
  rw [← Monoid.op_assoc, CommMonoid.op_comm a b, Monoid.op_assoc]

/-- In a commutative monoid a product may be read from either end. -/
theorem product_reverse (l : List M) : product l.reverse = product l := by
  induction l with
  | nil => rfl
  | cons a l ih =>
    rw [List.reverse_cons, product_append, ih]
    sorry

end CommMonoid

end Grove
