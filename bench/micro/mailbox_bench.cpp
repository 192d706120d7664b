#include <array>
#include <atomic>
#include <optional>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/check.hpp"
#include "net/epoll_loop.hpp"
#include "net/mailbox.hpp"
#include "net/wake_fd.hpp"

// From one reactor to another and back, beside the least that the way can cost: a pointer in memory
// while both are awake, an eventfd where both sleep. Two threads on two CPUs; an iteration is there
// and back, two hops. With both awake look at the time, asleep at the CPU, which is that of both.
namespace wspush::net {
namespace {

/// What a letter between two hubs weighs.
struct Letter {
  std::array<std::uint64_t, 17> content{};
};

/// Pins the calling thread to the CPU of that number among those that we may use; false if there
/// are fewer.
bool pin_to(std::size_t number) {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  if (::sched_getaffinity(0, sizeof usable, &usable) != 0) {
    return false;
  }
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &usable) && number-- == 0) {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      return ::pthread_setaffinity_np(::pthread_self(), sizeof one, &one) == 0;
    }
  }
  return false;
}

/// Runs `there_and_back` once an iteration, beside a second thread that runs `answer` until that
/// says false. `there_and_back(true)` is the last one, after which it does.
template <typename There, typename Answer>
void run_pair(benchmark::State& state, There&& there_and_back, Answer&& answer) {
  cpu_set_t before;
  CPU_ZERO(&before);
  WSPUSH_CHECK(::sched_getaffinity(0, sizeof before, &before) == 0);
  if (CPU_COUNT(&before) < 2) {
    state.SkipWithError("two CPUs are needed");
    return;
  }
  std::thread other([&answer] {
    WSPUSH_CHECK(pin_to(1));
    while (answer()) {
    }
  });
  WSPUSH_CHECK(pin_to(0));
  for (auto _ : state) {
    there_and_back(false);
  }
  there_and_back(true);
  other.join();
  WSPUSH_CHECK(::pthread_setaffinity_np(::pthread_self(), sizeof before, &before) == 0);
}

/// Waits for one descriptor, in the thread that calls first.
class Sleep {
 public:
  void until_woken(int wake_fd) {
    if (!loop_) {
      auto loop = EpollLoop::open();
      WSPUSH_CHECK(loop && loop->add(wake_fd, EPOLLIN | EPOLLET, 0));
      loop_.emplace(std::move(*loop));
    }
    loop_->wait(-1);
  }

 private:
  std::optional<EpollLoop> loop_;
};

void BM_PointerAwake(benchmark::State& state) {
  struct alignas(64) Line {
    std::atomic<Letter*> letter{nullptr};
  };
  std::array<Line, 2> lines;
  Letter letter;
  Letter last;
  const auto receive = [](Line& line) {
    Letter* got = nullptr;
    while ((got = line.letter.load(std::memory_order_acquire)) == nullptr) {
    }
    line.letter.store(nullptr, std::memory_order_relaxed);
    return got;
  };
  run_pair(
      state,
      [&](bool is_last) {
        lines[0].letter.store(is_last ? &last : &letter, std::memory_order_release);
        receive(lines[1]);
      },
      [&] {
        Letter* const got = receive(lines[0]);
        lines[1].letter.store(got, std::memory_order_release);
        return got != &last;
      });
}
BENCHMARK(BM_PointerAwake)->UseRealTime();

void BM_EventfdAsleep(benchmark::State& state) {
  std::array<WakeFd, 2> wakes;
  std::atomic<bool> is_over{false};
  std::array<Sleep, 2> sleeps;
  run_pair(
      state,
      [&](bool is_last) {
        is_over.store(is_last, std::memory_order_relaxed);
        wakes[0].signal();
        sleeps[1].until_woken(wakes[1].fd());
      },
      [&] {
        sleeps[0].until_woken(wakes[0].fd());
        const bool goes_on = !is_over.load(std::memory_order_relaxed);
        wakes[1].signal();
        return goes_on;
      });
}
BENCHMARK(BM_EventfdAsleep)->MeasureProcessCPUTime()->UseRealTime();

/// One end: the letters that it gets, and those that it is about to send to the other one.
struct End {
  Mailbox<Letter> inbox;
  std::vector<Letter> outgoing;
  Sleep sleep;

  void send(std::size_t count, bool is_last, End& to) {
    for (std::size_t i = 0; i < count; ++i) {
      outgoing.emplace_back().content[0] = is_last ? 1 : 0;
    }
    to.inbox.post(std::move(outgoing));
  }
  /// True if they were the last ones.
  bool receive(std::size_t count, bool sleeps) {
    bool is_last = false;
    for (std::size_t got = 0; got < count;) {
      if (sleeps && inbox.prepare_sleep()) {
        sleep.until_woken(inbox.wake_fd());
        inbox.awake();
      }
      got += inbox.take(count, [&](Letter&& letter) { is_last = letter.content[0] != 0; });
    }
    return is_last;
  }
};

/// Argument: letters in one batch.
void run_mail(benchmark::State& state, bool sleeps) {
  const auto count = static_cast<std::size_t>(state.range(0));
  End here;
  End other;
  run_pair(
      state,
      [&](bool is_last) {
        here.send(count, is_last, other);
        here.receive(count, sleeps);
      },
      [&] {
        const bool is_last = other.receive(count, sleeps);
        other.send(count, is_last, here);
        return !is_last;
      });
}

void BM_MailAwake(benchmark::State& state) {
  run_mail(state, false);
}
BENCHMARK(BM_MailAwake)->Arg(1)->Arg(16)->UseRealTime();

void BM_MailAsleep(benchmark::State& state) {
  run_mail(state, true);
}
BENCHMARK(BM_MailAsleep)->Arg(1)->Arg(16)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace
}  // namespace wspush::net
