/-! Statements over numbers, lists, trees, functions and predicates: false ones, and ones that only look false. -/

inductive Tree (α : Type) where
  | leaf : Tree α
  | node (left : Tree α) (value : α) (right : Tree α) : Tree α

namespace Tree
variable {α : Type}

def size : Tree α → Nat
  | leaf => 0
  | node l _ r => l.size + 1 + r.size

def depth : Tree α → Nat
  | leaf => 0
  | node l _ r => max l.depth r.depth + 1

def mirror : Tree α → Tree α
  | leaf => leaf
  | node l v r => node r.mirror v l.mirror

def flatten : Tree α → List α
  | leaf => []
  | node l v r => l.flatten ++ v :: r.flatten
end Tree

inductive Expr where
  | num (n : Nat)
  | plus (a b : Expr)
  | times (a b : Expr)

def Expr.eval : Expr → Nat
  | .num n => n
  | .plus a b => a.eval + b.eval
  | .times a b => a.eval * b.eval

def Expr.ops : Expr → Nat
  | .num _ => 0
  | .plus a b => a.ops + b.ops + 1
  | .times a b => a.ops + b.ops + 1

inductive Colour where
  | red
  | green
  | blue
deriving DecidableEq

structure Point where
  x : Int
  y : Int
deriving DecidableEq

inductive Palindrome : List Nat → Prop
  | nil : Palindrome []
  | single (a : Nat) : Palindrome [a]
  | wrap (a : Nat) (l : List Nat) : Palindrome l → Palindrome (a :: (l ++ [a]))

inductive Even : Nat → Prop
  | zero : Even 0
  | add_two : Even n → Even (n + 2)

inductive Edge : Colour → Colour → Prop
  | first : Edge .red .green
  | second : Edge .green .blue

def IsSorted (l : List Nat) : Prop := l.Pairwise (· ≤ ·)
def Injective (f : Nat → Nat) : Prop := ∀ a b, f a = f b → a = b
def Coprime (a b : Nat) : Prop := Nat.gcd a b = 1
def isSquare (n : Nat) : Bool := (List.range (n + 1)).any fun k => k * k == n
def tri : Nat → Nat
  | 0 => 0
  | n + 1 => tri n + n + 1
def fib : Nat → Nat
  | 0 => 0
  | 1 => 1
  | n + 2 => fib n + fib (n + 1)
def log2 (n : Nat) : Nat := if n ≤ 1 then 0 else log2 (n / 2) + 1
def insertSorted (a : Nat) : List Nat → List Nat
  | [] => [a]
  | b :: l => if a ≤ b then a :: b :: l else b :: a :: l

/-! ## False -/

-- numbers
theorem numbers_01 (n : Nat) : tri n ≤ 2 * n := by sorry
theorem numbers_02 (n : Nat) : fib n ≤ n + 1 := by sorry
theorem numbers_03 (a b : Int) (h : a * a = b * b) : a = b := by sorry
theorem numbers_04 (a b : Nat) : a - b + b = a := by sorry
theorem numbers_05 (n : Nat) (h : n % 2 = 1) : n * n % 8 = 3 := by sorry
theorem numbers_06 (a b c : Nat) (h : a ∣ b * c) : a ∣ b ∨ a ∣ c := by sorry
theorem numbers_07 (x : Int) : x ≤ x * x * x := by sorry
theorem numbers_08 (n : Nat) : ∃ k, n = 2 * k ∨ n = 3 * k ∨ n = 1 := by sorry
theorem numbers_09 (n : Nat) : log2 n ≤ 4 := by sorry
theorem numbers_10 (n : Nat) (h : 1 < n) : Nat.gcd (n * n - n + 41) (n + 4) = 1 := by sorry
theorem numbers_11 (a b c : Nat) (ha : Coprime a b) (hb : Coprime b c) : Coprime a c := by sorry
theorem numbers_12 (x y : Int) (h : x < y) : x * x < y * y := by sorry
theorem numbers_13 (n : Nat) (h : isSquare n = true) : n ≤ 120 := by sorry
theorem numbers_14 (a b : Int) : (a + b) / 2 = a / 2 + b / 2 := by sorry

-- lists
theorem lists_01 (u v : List Nat) : u ++ v = v ++ u := by sorry
theorem lists_02 {α : Type} (l : List α) : l.reverse = l := by sorry
theorem lists_03 (u v : List Nat) (hu : IsSorted u) (hv : IsSorted v) : IsSorted (u ++ v) := by sorry
theorem lists_04 (a : Nat) (l : List Nat) (h : IsSorted l) : IsSorted (insertSorted a l) := by sorry
theorem lists_05 (l : List Nat) (h : l ≠ []) : l.head? = l.getLast? := by sorry
theorem lists_06 (l : List Nat) (n : Nat) : (l.take n).length = n := by sorry
theorem lists_07 (l : List Int) : l.foldr (· - ·) 0 = l.foldl (· - ·) 0 := by sorry
theorem lists_08 (u v : List Bool) : (u.zip v).length = u.length := by sorry
theorem lists_09 (l : List (List Nat)) : l.flatten.length = l.length := by sorry
theorem lists_10 (s t : String) : s ++ t = t ++ s := by sorry
theorem lists_11 {α : Type} [DecidableEq α] (a : α) (l : List α) : (l.erase a).length + 1 = l.length := by sorry
theorem lists_12 (l : List Nat) (p : Nat → Bool) : l.filter p = l ∨ l.filter p = [] := by sorry

-- trees and other types of one's own
theorem trees_01 (t : Tree Nat) : t.size ≤ t.depth := by sorry
theorem trees_02 {α : Type} (t : Tree α) : t.mirror = t := by sorry
theorem trees_03 (t : Tree Nat) : t.mirror.flatten = t.flatten := by sorry
theorem trees_04 (t : Tree Nat) : 2 ^ t.depth ≤ 2 * t.size + 1 := by sorry
theorem trees_05 (e : Expr) : e.ops ≤ e.eval := by sorry
theorem trees_06 (a b : Expr) (h : a.eval = b.eval) : a.ops = b.ops := by sorry
theorem trees_07 (c d : Colour) (h : c ≠ .red) (k : d ≠ .red) : c = d := by sorry
theorem trees_08 (p q : Point) (h : p.x + p.y = q.x + q.y) : p = q := by sorry
theorem trees_09 (o : Option Nat) : o.getD 1 ≠ 0 := by sorry

-- functions
theorem functions_01 (f : Nat → Nat) (h : Injective f) (n : Nat) : ∃ m, f m = n := by sorry
theorem functions_02 (f g : Nat → Nat) (n : Nat) : f (g n) = g (f n) := by sorry
theorem functions_03 (f : Bool → Bool) (b : Bool) : f (f b) = b := by sorry
theorem functions_04 (f : Nat → Nat → Nat) (a b : Nat) : f a b = f b a := by sorry
theorem functions_05 (f : Int → Int) (x : Int) : f (-x) = -f x := by sorry
theorem functions_06 {α β : Type} (f : α → β) (a b : α) (h : f a = f b) : a = b := by sorry
theorem functions_07 (f : Colour → Nat) (c : Colour) : f c = f .red := by sorry
theorem functions_08 (f : Nat → Nat) (h : ∀ n, f n ≤ f (n + 1)) : f 0 < f 1 := by sorry

-- predicates
theorem predicates_01 (u v : List Nat) (hu : Palindrome u) (hv : Palindrome v) : Palindrome (u ++ v) := by sorry
theorem predicates_02 (n : Nat) (h : Even n) : Even (n / 2) := by sorry
theorem predicates_03 (a b c : Colour) (h : Edge a b) (k : Edge b c) : Edge a c := by sorry
theorem predicates_04 {α : Type} (p q : α → Prop) (h : ∀ x, p x ∨ q x) : (∀ x, p x) ∨ ∀ x, q x := by sorry
theorem predicates_05 (p q r : Prop) (h : p → q) (k : q → r) : r → p := by sorry
theorem predicates_06 {α : Type} (r : α → α → Prop) (h : ∀ a b, r a b → r b a) (a : α) : r a a := by sorry
theorem predicates_07 (p : Nat → Prop) (h : ∃ n, p n) : p 0 := by sorry

/-! ## True: each is a false one above with what it lacks -/

theorem true_01 (n : Nat) : tri n ≤ n * n := by sorry
theorem true_02 (a b : Nat) (h : b ≤ a) : a - b + b = a := by sorry
theorem true_03 (n : Nat) (h : n % 2 = 1) : n * n % 8 = 1 := by sorry
theorem true_04 (x y : Int) (h : x < y) (k : 0 ≤ x) : x * x < y * y := by sorry
theorem true_05 (n : Nat) (h : n < 32) : log2 n ≤ 4 := by sorry
theorem true_06 (n : Nat) (h : n < 0) : n = 7 := by sorry
theorem true_07 (u v : List Nat) : (u ++ v).length = (v ++ u).length := by sorry
theorem true_08 {α : Type} (l : List α) : l.reverse.reverse = l := by sorry
theorem true_09 (u v : List Nat) (h : IsSorted (u ++ v)) : IsSorted u := by sorry
theorem true_10 (l : List Nat) (n : Nat) : (l.take n).length ≤ n := by sorry
theorem true_11 (u v : List Bool) : (u.zip v).length ≤ u.length := by sorry
theorem true_12 (t : Tree Nat) : t.depth ≤ t.size := by sorry
theorem true_13 {α : Type} (t : Tree α) : t.mirror.mirror = t := by sorry
theorem true_14 (p q : Point) (h : p.x = q.x) (k : p.y = q.y) : p = q := by sorry
theorem true_15 (f : Nat → Nat) (h : Injective f) (a b : Nat) (k : f a = f b) : a = b := by sorry
theorem true_16 (f : Bool → Bool) (b : Bool) : f (f (f b)) = f b := by sorry
theorem true_17 (l : List Nat) (h : Palindrome l) : l.reverse = l := by sorry
theorem true_18 (m n : Nat) (h : Even m) (k : Even n) : Even (m + n) := by sorry
theorem true_19 {α : Type} (p q : α → Prop) (h : (∀ x, p x) ∨ ∀ x, q x) : ∀ x, p x ∨ q x := by sorry
theorem true_20 {α : Type} (r : α → α → Prop) (h : ∀ a b, r a b → r b a) (a b : α) (k : ¬ r a b) : ¬ r b a := by sorry
theorem true_21 (n : Nat) (h : isSquare n = true) (k : n ≤ 120) : n ≤ 100 := by sorry
theorem true_22 (a b : Nat) : (a + b) / 2 ≤ max a b := by sorry
theorem true_23 (a b : Int) : (2 * a + 2 * b) / 2 = a + b := by sorry
theorem true_24 (n : Nat) : n * n % 4 ≠ 2 := by sorry
theorem true_25 (x y : Int) (h : x < y) : x * x * x < y * y * y := by sorry
theorem true_26 (a b : Nat) (h : Coprime a b) : Coprime b a := by sorry
theorem true_27 (u v : List Nat) : (u ++ v).reverse = v.reverse ++ u.reverse := by sorry
theorem true_28 {α : Type} (l : List α) (h : l.length ≤ 1) : l.reverse = l := by sorry
theorem true_29 (l : List Nat) (h : IsSorted l) : IsSorted l.tail := by sorry
theorem true_30 (t : Tree Nat) : t.mirror.size = t.size := by sorry
theorem true_31 (a b : Expr) : (Expr.plus a b).eval = (Expr.plus b a).eval := by sorry
theorem true_32 (f g : Nat → Nat) (h : ∀ n, f n = g n) (n : Nat) : f (g n) = g (f n) := by sorry
theorem true_33 (f : Bool → Bool) (h : f true = f false) (a b : Bool) : f a = f b := by sorry
theorem true_34 (f : Nat → Nat) (h : ∀ n, f (f n) = n) (n : Nat) : ∃ m, f m = n := by sorry
theorem true_35 (a b c : Colour) (h : Edge a b) (k : Edge b c) : c = .blue := by sorry
theorem true_36 (p : Nat → Prop) (h : ∀ n, p n → p 0) (k : ∃ n, p n) : p 0 := by sorry
