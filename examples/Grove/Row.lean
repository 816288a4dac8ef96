import Grove.Tree

/-!
# Rows

Rows of things: lists of our own, about which nobody has stated anything yet, and the labels of a tree in a row.

Every theorem left open here is one that induction alone does not prove. Its step gets stuck on what one function does
to the outcome of another, and what is missing is a lemma about that: one that holds for any row in its place.
-/

universe u v

namespace Grove

/-- A row of things. -/
inductive Row (α : Type u) where
  /-- The empty row. -/
  | nil : Row α
  /-- One thing more, on the left. -/
  | cons (x : α) (xs : Row α) : Row α

namespace Row

variable {α : Type u} {β : Type v}

/-- How many things there are. -/
@[simp, grind =] def size : Row α → Nat
  | nil => 0
  | cons _ xs => xs.size + 1

/-- Apply a function to each. -/
@[simp, grind =] def map (f : α → β) : Row α → Row β
  | nil => nil
  | cons x xs => cons (f x) (xs.map f)

/-- Two rows, one behind the other. -/
@[simp, grind =] def append : Row α → Row α → Row α
  | nil, ys => ys
  | cons x xs, ys => cons x (xs.append ys)

/-- One thing more, on the right. -/
@[simp, grind =] def snoc : Row α → α → Row α
  | nil, y => cons y nil
  | cons x xs, y => cons x (xs.snoc y)

/-- A row from behind. -/
@[simp, grind =] def reverse : Row α → Row α
  | nil => nil
  | cons x xs => xs.reverse.append (cons x nil)

/-- A row from behind, made in another way. -/
@[simp, grind =] def turn : Row α → Row α
  | nil => nil
  | cons x xs => xs.turn.snoc x

theorem reverse_reverse (xs : Row α) : xs.reverse.reverse = xs := by
  sorry

theorem map_reverse (f : α → β) (xs : Row α) : xs.reverse.map f = (xs.map f).reverse := by
  sorry

theorem map_turn (f : α → β) (xs : Row α) : xs.turn.map f = (xs.map f).turn := by
  sorry

/-- Needs two lemmas at once, one for each case of the induction. -/
theorem reverse_append (xs ys : Row α) : (xs.append ys).reverse = ys.reverse.append xs.reverse := by
  sorry

theorem turn_append (xs ys : Row α) : (xs.append ys).turn = ys.turn.append xs.turn := by
  sorry

end Row

namespace Tree

variable {α : Type u}

/-- The labels of a tree in a row, from left to right. -/
@[simp, grind =] def row : Tree α → Row α
  | leaf => .nil
  | node l x r => l.row.append (.cons x r.row)

theorem size_row (t : Tree α) : t.row.size = t.size := by
  sorry

theorem map_row {β : Type v} (f : α → β) (t : Tree α) : (t.map f).row = t.row.map f := by
  sorry

end Tree

end Grove
