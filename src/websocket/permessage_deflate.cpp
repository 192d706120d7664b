#include "websocket/permessage_deflate.hpp"

#define ZLIB_CONST  // input is const
#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include <zlib.h>

#include "base/check.hpp"

namespace wspush::websocket {
namespace {

constexpr ByteView kTail{"\x00\x00\xff\xff", 4};

/// An empty stored block without its tail: the empty message (RFC 7692 §7.2.3.6).
constexpr ByteView kEmptyMessage{"\x00", 1};

/// zlib refuses to deflate raw data with a window of 256 bytes. With one of 512 it never refers
/// further back than 512 - 262 (its look-ahead), which is inside 256: so that is what serves an
/// agreement on 8.
constexpr int kDeflateWindowBitsMin = 9;

/// zlib's `data_type` after inflate(): bits of the last byte that are not used yet, 64 in a block
/// with BFINAL, 128 right behind the end of a block.
constexpr int kBlockEnded = 128;
constexpr int kInFinalBlock = 64;

const Bytef* input_of(ByteView bytes) {
  return reinterpret_cast<const Bytef*>(bytes.data());
}

uInt count_of(std::size_t bytes) {
  WSPUSH_CHECK(bytes <= std::numeric_limits<uInt>::max());
  return static_cast<uInt>(bytes);
}

void give_output(z_stream& stream, MutableBytes room) {
  stream.next_out = reinterpret_cast<Bytef*>(room.data());
  stream.avail_out = count_of(room.size());
}

void check_opened(int status) {
  if (status == Z_MEM_ERROR) {
    throw std::bad_alloc();
  }
  WSPUSH_CHECK(status == Z_OK);
}

}  // namespace

// --- ScratchBuffer

void ScratchBuffer::clear() {
  size_ = 0;
  if (capacity_ > kKeptBytesMax) {
    memory_.reset();
    capacity_ = 0;
  }
}

MutableBytes ScratchBuffer::reserve(std::size_t bytes) {
  if (capacity_ - size_ < bytes) {
    const std::size_t capacity = std::max(size_ + bytes, 2 * capacity_);
    std::unique_ptr<char[]> memory(new char[capacity]);
    if (size_ > 0) {
      std::memcpy(memory.get(), memory_.get(), size_);
    }
    memory_ = std::move(memory);
    capacity_ = capacity;
  }
  return {memory_.get() + size_, capacity_ - size_};
}

void ScratchBuffer::append(ByteView bytes) {
  std::ranges::copy(bytes, reserve(bytes.size()).begin());
  commit(bytes.size());
}

// --- Deflater

Deflater::Deflater(const Options& options)
    : stream_(std::make_unique<z_stream>()), keeps_context_(options.keeps_context) {
  check_opened(deflateInit2(stream_.get(), options.level, Z_DEFLATED,
                            -std::max(options.window_bits, kDeflateWindowBitsMin),
                            options.memory_level, Z_DEFAULT_STRATEGY));
}

Deflater::~Deflater() {
  ::deflateEnd(stream_.get());
}

std::optional<ByteView> Deflater::deflate(std::span<const ByteView> parts, ScratchBuffer& scratch) {
  std::size_t message_bytes = 0;
  for (const ByteView part : parts) {
    message_bytes += part.size();
  }
  scratch.clear();
  if (message_bytes == 0) {
    return keeps_context_ ? std::optional(kEmptyMessage) : std::nullopt;
  }
  if (!keeps_context_) {
    WSPUSH_CHECK(::deflateReset(stream_.get()) == Z_OK);
  }
  // Room for a result that is smaller by a byte at least, with its tail, and one byte more: zlib is
  // done when it leaves some.
  give_output(*stream_,
              scratch.reserve(message_bytes + kTail.size()).first(message_bytes + kTail.size()));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const int flush = i + 1 == parts.size() ? Z_SYNC_FLUSH : Z_NO_FLUSH;
    stream_->next_in = input_of(parts[i]);
    stream_->avail_in = count_of(parts[i].size());
    do {
      if (stream_->avail_out == 0) {
        if (!keeps_context_) {
          return std::nullopt;
        }
        give_output(*stream_, scratch.reserve(scratch.capacity()));
      }
      const uInt room = stream_->avail_out;
      const int status = ::deflate(stream_.get(), flush);
      WSPUSH_CHECK(status == Z_OK || status == Z_BUF_ERROR);
      scratch.commit(room - stream_->avail_out);
    } while (stream_->avail_in > 0 || stream_->avail_out == 0);
  }
  WSPUSH_CHECK(as_view(scratch.view()).ends_with(kTail));
  scratch.shrink(kTail.size());
  return as_view(scratch.view());
}

// --- Inflater

Inflater::Inflater(const Options& options)
    : stream_(std::make_unique<z_stream>()), keeps_context_(options.keeps_context) {
  check_opened(inflateInit2(stream_.get(), -options.window_bits));
}

Inflater::~Inflater() {
  ::inflateEnd(stream_.get());
}

FrameError Inflater::inflate(ByteView payload, Bounds bounds, ScratchBuffer& scratch) {
  scratch.clear();
  if (!keeps_context_) {
    WSPUSH_CHECK(::inflateReset(stream_.get()) == Z_OK);
  }
  const std::uint64_t by_ratio = bounds.ratio_max * payload.size();
  const std::uint64_t bytes_max = std::min(bounds.message_bytes_max, by_ratio);
  State state = State::kInMessage;
  FrameError error = feed(payload, bytes_max, scratch, state);
  if (error == FrameError::kNone && state == State::kInMessage) {
    error = feed(kTail, bytes_max, scratch, state);
  }
  if (error == FrameError::kMessageTooBig) {
    return scratch.size() > bounds.message_bytes_max ? error : FrameError::kInflatesTooFar;
  }
  if (error != FrameError::kNone) {
    return error;
  }
  // The tail has to have ended a block; if it was taken for anything else, something was missing.
  const bool is_complete =
      state == State::kBehindFinalBlock || (stream_->data_type & ~kInFinalBlock) == kBlockEnded;
  return is_complete ? FrameError::kNone : FrameError::kInvalidDeflate;
}

FrameError Inflater::feed(ByteView bytes, std::uint64_t bytes_max, ScratchBuffer& scratch,
                          State& state) {
  stream_->next_in = input_of(bytes);
  stream_->avail_in = count_of(bytes.size());
  do {
    // One byte more than is allowed tells a message at the bound from one above it.
    const auto step = static_cast<std::size_t>(
        std::min<std::uint64_t>(kStepBytes, bytes_max + 1 - scratch.size()));
    give_output(*stream_, scratch.reserve(step).first(step));
    const int status = ::inflate(stream_.get(), Z_SYNC_FLUSH);
    scratch.commit(step - stream_->avail_out);
    if (scratch.size() > bytes_max) {
      return FrameError::kMessageTooBig;
    }
    switch (status) {
      case Z_OK:
        state = State::kInMessage;
        break;
      case Z_BUF_ERROR:
        break;  // Nothing left to do with what is there.
      case Z_STREAM_END:
        // Unlike inflateReset() this keeps the window. Each costs a byte of input at least.
        WSPUSH_CHECK(::inflateResetKeep(stream_.get()) == Z_OK);
        state = State::kBehindFinalBlock;
        if (stream_->avail_in == 0) {
          return FrameError::kNone;
        }
        break;
      case Z_MEM_ERROR:
        throw std::bad_alloc();
      default:
        return FrameError::kInvalidDeflate;
    }
  } while (stream_->avail_in > 0 || stream_->avail_out == 0);
  return FrameError::kNone;
}

}  // namespace wspush::websocket
