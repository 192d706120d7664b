#include "fuzz/fuzz.hpp"

// What libFuzzer calls. It hands over a copy of the input's exact size, on the heap.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  wspush::fuzz::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
