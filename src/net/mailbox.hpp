#pragma once

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
/// inbox.awake(); ... if wake_fd() was readable: inbox.clear_wake(); ... inbox.take(...)`.
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
  }

  /// Hands `batch` over; empty ones are ignored. Thread: any. Cost: one allocation, one CAS, and a
  /// write when the owner sleeps. If it throws (bad_alloc) `batch` is untouched and not sent.
  void post(std::vector<T>&& batch) {
    if (batch.empty()) {
      return;
    }
    const std::size_t count = batch.size();
    Node* node = new Node{nullptr, {}};
    node->items = std::move(batch);
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
        delete node;
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

  /// Readable when the owner was woken. Belongs to the mailbox; watch it with EPOLLIN.
  int wake_fd() const { return wake_.fd(); }
  /// Takes the wake-up away; call it when wake_fd() was readable.
  void clear_wake() { wake_.clear(); }

  /// Items posted and not taken yet, roughly (those of a take() that runs still count); for
  /// back-pressure. Thread: any.
  std::size_t pending() const { return pending_.load(std::memory_order_relaxed); }

 private:
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
  alignas(64) Node* front_ = nullptr;
  std::size_t next_item_ = 0;
  OwnerThread owner_;
};

}  // namespace wspush::net
