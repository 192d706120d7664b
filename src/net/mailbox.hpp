#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "base/unique_fd.hpp"
#include "net/owner_thread.hpp"
#include "net/wake_fd.hpp"

namespace wspush::net {

/// The inbox of one reactor: batches of T from any thread, taken by its owner.
///
/// Lock-free: a batch is pushed on a stack with one compare-and-swap; the owner takes the whole
/// stack with one exchange and turns it around, so the batches of one sender stay in order. The
/// eventfd is written only when the owner may be asleep:
///
///   owner                                    sender
///   asleep = true                            push the batch
///   is anything pushed? then do not sleep    asleep? then asleep = false, write the eventfd
///   epoll_wait
///
/// All four are sequentially consistent, so at least one of them sees the other: no wake-up is
/// lost, and a busy owner costs its senders no system call.
///
/// A turn of the owner: `int timeout = inbox.prepare_sleep() ? t : 0; wait(timeout);
/// inbox.awake(); ... if wake_fd() was readable: inbox.clear_wake(); ... inbox.take(...)`. With
/// EPOLLET each write is an event of its own, so that nobody needs to read them: no clear_wake().
///
/// What carried a batch goes back to the senders with its room. Memory that one thread allocates
/// and another one frees costs both of them the lock of an arena, for each batch.
template <typename T>
class Mailbox {
 public:
  Mailbox() = default;
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  /// Drops what was not taken. No sender may be left.
  ~Mailbox() {
    free_all(pushed_.load(std::memory_order_acquire));
    free_all(front_);
    for (std::atomic<Node*>& spare : spares_) {
      delete spare.load(std::memory_order_acquire);
    }
  }

  /// Hands `batch` over and leaves an empty vector behind, often one with the room of an earlier
  /// batch: fill it with the next one. Empty ones are ignored. Thread: any. Cost: one CAS, a write
  /// when the owner sleeps, and an allocation when no node has come back. If it throws (bad_alloc)
  /// `batch` is untouched and not sent.
  void post(std::vector<T>&& batch) {
    if (batch.empty()) {
      return;
    }
    const std::size_t count = batch.size();
    Node* node = take_spare();
    if (node == nullptr) {
      node = new Node{nullptr, {}};
    }
    node->items.swap(batch);
    pending_.fetch_add(count, std::memory_order_relaxed);
    node->next = pushed_.load(std::memory_order_relaxed);
    while (!pushed_.compare_exchange_weak(node->next, node, std::memory_order_seq_cst,
                                          std::memory_order_relaxed)) {
    }
    if (asleep_.load(std::memory_order_seq_cst) &&
        asleep_.exchange(false, std::memory_order_seq_cst)) {
      wake_.signal();
    }
  }

  /// Calls `f(T&&)` for what has come, in the order of each sender, at most `items_max`; the rest
  /// stays for the next call. Returns how many. Thread: the owner. If `f` throws, its item counts
  /// as taken.
  template <typename F>
  std::size_t take(std::size_t items_max, F&& f) {
    owner_.check();
    std::size_t taken = 0;
    // Settled once: senders write that line, and each write of ours takes it from them.
    const Settlement settlement{pending_, taken};
    while (taken < items_max && (front_ != nullptr || collect())) {
      Node* node = front_;
      while (taken < items_max && next_item_ < node->items.size()) {
        T& item = node->items[next_item_++];
        ++taken;
        f(std::move(item));
      }
      if (next_item_ == node->items.size()) {
        front_ = node->next;
        next_item_ = 0;
        give_back(node);
      }
    }
    return taken;
  }

  /// Announces that the owner is about to sleep. False: something is there already, do not.
  bool prepare_sleep() {
    owner_.check();
    if (front_ != nullptr) {
      return false;
    }
    asleep_.store(true, std::memory_order_seq_cst);
    if (pushed_.load(std::memory_order_seq_cst) != nullptr) {
      asleep_.store(false, std::memory_order_relaxed);
      return false;
    }
    return true;
  }

  /// The owner is awake again, for whatever reason: senders need not write.
  void awake() { asleep_.store(false, std::memory_order_relaxed); }

  /// Readable when the owner was woken. Belongs to the mailbox; watch it with EPOLLIN, or with
  /// EPOLLIN and EPOLLET.
  int wake_fd() const { return wake_.fd(); }
  /// Takes the wake-up away; call it when wake_fd() was readable and is watched without EPOLLET.
  void clear_wake() { wake_.clear(); }

  /// Items posted and not taken yet, roughly (those of a take() that runs still count); for
  /// back-pressure. Thread: any.
  std::size_t pending() const { return pending_.load(std::memory_order_relaxed); }

 private:
  /// Nodes that may wait for the next batch: as many as fit into a cache line. With more senders
  /// than that some allocate.
  static constexpr std::size_t kSparesMax = 8;
  /// Room that a node may keep. What a burst needed is freed.
  static constexpr std::size_t kSpareBytesMax = 16 * 1024;

  /// Takes from `pending`, at its end, what was taken until then.
  struct Settlement {
    std::atomic<std::size_t>& pending;
    const std::size_t& taken;
    ~Settlement() {
      if (taken > 0) {
        pending.fetch_sub(taken, std::memory_order_relaxed);
      }
    }
  };
  struct Node {
    Node* next;
    std::vector<T> items;
  };

  /// Moves what was pushed to the owner's list, oldest first; only when that list is empty.
  bool collect() {
    Node* node = pushed_.exchange(nullptr, std::memory_order_acquire);
    while (node != nullptr) {
      Node* older = std::exchange(node->next, front_);
      front_ = std::exchange(node, older);
    }
    return front_ != nullptr;
  }

  // A node is in one place at a time, and moves by exchange: whoever gets it has it alone.
  Node* take_spare() {
    for (std::atomic<Node*>& spare : spares_) {
      // Looked at first: an exchange takes the line away from the owner for nothing.
      if (spare.load(std::memory_order_relaxed) != nullptr) {
        if (Node* const node = spare.exchange(nullptr, std::memory_order_acquire)) {
          return node;
        }
      }
    }
    return nullptr;
  }
  void give_back(Node* node) {
    node->items.clear();
    if (node->items.capacity() * sizeof(T) <= kSpareBytesMax) {
      for (std::atomic<Node*>& spare : spares_) {
        if (spare.load(std::memory_order_relaxed) == nullptr) {
          spare.store(node, std::memory_order_release);  // Only we fill them.
          return;
        }
      }
    }
    delete node;
  }

  static void free_all(Node* node) {
    while (node != nullptr) {
      delete std::exchange(node, node->next);
    }
  }

  // What senders write, apart from what only the owner touches: each on its own cache line.
  alignas(64) std::atomic<Node*> pushed_{nullptr};
  std::atomic<std::size_t> pending_{0};
  std::atomic<bool> asleep_{false};
  WakeFd wake_;
  // Written by both, once a batch.
  alignas(64) std::array<std::atomic<Node*>, kSparesMax> spares_{};
  alignas(64) Node* front_ = nullptr;
  std::size_t next_item_ = 0;
  OwnerThread owner_;
};

}  // namespace wspush::net
