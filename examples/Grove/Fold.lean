import Grove.Monoid
import Grove.Tree

/-!
# Folding a tree into a monoid

`Tree.foldMap f t` sends every label of `t` into a monoid and multiplies from left to right.
Counting the labels, adding them up and listing them are all folds, so that one theorem about folds
gives one theorem about each.
-/

universe u v w

namespace Grove

namespace Tree

variable {α : Type u} {β : Type v} {M : Type w}

section Monoid

variable [Monoid M]

/-- Send every label into a monoid and multiply, from left to right. -/
@[simp, grind =] def foldMap (f : α → M) : Tree α → M
  | leaf => ε
  | node l x r => l.foldMap f ⋄ f x ⋄ r.foldMap f

/-- Folding a tree is folding its list of labels. -/
theorem foldMap_eq_product (f : α → M) (t : Tree α) : t.foldMap f = product (t.toList.map f) := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr =>
    rw [foldMap, ihl, ihr, toList_node, List.map_append, product_append, List.map_cons, product,
      Monoid.op_assoc]

theorem foldMap_map (f : β → M) (g : α → β) (t : Tree α) :
    (t.map g).foldMap f = t.foldMap (f ∘ g) := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr => simp [ihl, ihr]

/-- Two trees with the same labels in the same order have the same folds. -/
theorem foldMap_congr {f : α → M} {s t : Tree α} (h : s.toList = t.toList) :
    s.foldMap f = t.foldMap f := by
  rw [foldMap_eq_product, foldMap_eq_product, h]

end Monoid

/-- In a commutative monoid a fold cannot tell left from right. -/
theorem foldMap_mirror [CommMonoid M] (f : α → M) (t : Tree α) :
    t.mirror.foldMap f = t.foldMap f := by
  rw [foldMap_eq_product, foldMap_eq_product, toList_mirror, List.map_reverse, product_reverse]

/-- The size of a tree is counted by the fold that tallies every label. -/
theorem count_foldMap (f : α → Nat) (t : Tree α) :
    (t.foldMap fun x => Tally.mk 1 (f x)).count = t.size := by
  induction t with
  | leaf => rfl
  | node l x r ihl ihr => sorry

/-- The list of labels is a fold: each label is put in front of what is to its right. -/
theorem toList_eq_foldMap (t : Tree α) :
    (t.mirror.foldMap fun x => Endo.mk (x :: ·)).apply [] = t.toList := by
  have h : ∀ tail,
      (t.mirror.foldMap fun x => Endo.mk (x :: ·)).apply tail = t.inorderOnto tail := by
    induction t with
    | leaf => exact fun tail => rfl
    | node l x r ihl ihr => exact fun tail => by rw [inorderOnto, ← ihl, ← ihr]; rfl
  exact h []

end Tree

end Grove
