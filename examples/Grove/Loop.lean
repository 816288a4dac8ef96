import Grove.Tree

/-!
# Loops

Functions that carry an accumulator, as a loop does, beside their plain definitions; and numbers with one mark for
each unit, whose addition recurses on one side only.

Every theorem left open here is one that induction alone does not prove: the induction hypothesis speaks of one
start value only, or of the other side. What is missing is a lemma that nobody has stated yet.
-/

universe u

namespace Grove

/-! ### Lists -/

/-- The sum of a list. -/
@[simp, grind =] def total : List Nat → Nat
  | [] => 0
  | x :: xs => x + total xs

/-- The sum of a list, added to what there is. -/
@[simp, grind =] def totalOnto : List Nat → Nat → Nat
  | [], acc => acc
  | x :: xs, acc => totalOnto xs (acc + x)

theorem totalOnto_zero (xs : List Nat) : totalOnto xs 0 = total xs := by
  sorry

/-- The product of a list. -/
@[simp, grind =] def factors : List Nat → Nat
  | [] => 1
  | x :: xs => x * factors xs

/-- The product of a list, multiplied by what there is. -/
@[simp, grind =] def factorsOnto : List Nat → Nat → Nat
  | [], acc => acc
  | x :: xs, acc => factorsOnto xs (acc * x)

theorem factorsOnto_one (xs : List Nat) : factorsOnto xs 1 = factors xs := by
  sorry

section Lists

variable {α : Type u}

/-- The length of a list, counted by a loop. -/
@[simp, grind =] def countOnto : List α → Nat → Nat
  | [], n => n
  | _ :: xs, n => countOnto xs (n + 1)

theorem countOnto_zero (xs : List α) : countOnto xs 0 = xs.length := by
  sorry

/-- A list from behind, put in front of another. -/
@[simp, grind =] def turnOnto : List α → List α → List α
  | [], tail => tail
  | x :: xs, tail => turnOnto xs (x :: tail)

/-- The loop that turns a list around does what the library's function does. -/
theorem turnOnto_nil (xs : List α) : turnOnto xs [] = xs.reverse := by
  sorry

end Lists

/-! ### Trees -/

namespace Tree

variable {α : Type u}

/-- The labels in postorder. -/
@[simp, grind =] def postorder : Tree α → List α
  | leaf => []
  | node l x r => l.postorder ++ r.postorder ++ [x]

/-- The labels in postorder, put in front of a list. -/
@[simp, grind =] def postorderOnto : Tree α → List α → List α
  | leaf, tail => tail
  | node l x r, tail => l.postorderOnto (r.postorderOnto (x :: tail))

/-- The labels from right to left. -/
@[simp, grind =] def backwards : Tree α → List α
  | leaf => []
  | node l x r => r.backwards ++ x :: l.backwards

/-- The labels from right to left, put in front of a list. -/
@[simp, grind =] def backwardsOnto : Tree α → List α → List α
  | leaf, tail => tail
  | node l x r, tail => r.backwardsOnto (x :: l.backwardsOnto tail)

theorem backwardsOnto_nil (t : Tree α) : t.backwardsOnto [] = t.backwards := by
  sorry

/-- Needs two steps at once: the lemma is not the rest of the first one. -/
theorem postorderOnto_nil (t : Tree α) : t.postorderOnto [] = t.postorder := by
  sorry

end Tree

/-! ### Marks -/

/-- Numbers as rows of marks. -/
inductive Marks where
  /-- No mark. -/
  | none : Marks
  /-- One mark more. -/
  | more (n : Marks) : Marks

namespace Marks

/-- One row behind the other. -/
@[simp, grind =] def plus : Marks → Marks → Marks
  | none, m => m
  | more n, m => more (n.plus m)

/-- It does not matter which row comes first. -/
theorem plus_comm (n m : Marks) : n.plus m = m.plus n := by
  sorry

end Marks

end Grove
