#include "engine/rocks_store.hpp"

#include <filesystem>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

namespace wspush::engine {
namespace {

/// What is collected in memory before it becomes a file; two of them at most. Also what has to be
/// read again after a crash, at about 100 MB/s.
constexpr std::size_t kMemtableBytes = std::size_t{16} << 20;
constexpr std::size_t kCacheBytes = std::size_t{16} << 20;
/// Descriptors belong to connections; a file that is not open costs one open when it is read.
constexpr int kOpenFilesMax = 128;
/// Kernel write-back in even pieces, so that a sync does not find a hundred megabytes to write.
constexpr std::uint64_t kBytesPerWriteBack = 1 << 20;
constexpr std::size_t kInfoLogBytes = 1 << 20;

rocksdb::Slice slice(ByteView bytes) {
  return {bytes.data(), bytes.size()};
}

ByteView view(const rocksdb::Slice& bytes) {
  return {bytes.data(), bytes.size()};
}

Result<void, std::string> result_of(const rocksdb::Status& status) {
  if (status.ok()) {
    return {};
  }
  return Unexpected(status.ToString());
}

rocksdb::Options options() {
  rocksdb::Options options;
  options.create_if_missing = true;
  // A torn tail ends the log; what is behind a hole is not taken.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.avoid_flush_during_recovery = true;  // ready sooner; the log stays until it is flushed
  options.skip_stats_update_on_db_open = true;
  options.skip_checking_sst_file_sizes_on_db_open = true;
  options.write_buffer_size = kMemtableBytes;
  options.max_write_buffer_number = 2;
  options.max_open_files = kOpenFilesMax;
  options.max_background_jobs = 2;
  options.bytes_per_sync = kBytesPerWriteBack;
  options.wal_bytes_per_sync = kBytesPerWriteBack;
  options.compression = rocksdb::kLZ4Compression;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.max_log_file_size = kInfoLogBytes;
  options.keep_log_file_num = 2;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  rocksdb::BlockBasedTableOptions table;
  // In one piece (no shard bits): the index of a file is larger than a 32nd of it, and would be
  // read again for each topic.
  table.block_cache = rocksdb::NewLRUCache(kCacheBytes, 0);
  // Memory is the cache's, however much is kept. A scan has to fill it, although what it reads is
  // not read again: else it reads and unpacks the indexes anew for each topic.
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));  // most topics opened are new ones
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

struct RocksStore::Database {
  std::string directory;
  std::unique_ptr<rocksdb::DB> db;  ///< null: it could not be opened again
  rocksdb::WriteBatch batch;
  std::uint64_t reserve_bytes = 0;
  bool has_failed = false;  ///< the database itself, since it was opened

  /// An error where fewer than `bytes` would be left of the reserve.
  Result<void, std::string> look_for_room(std::uint64_t bytes) const {
    std::error_code error;
    const std::filesystem::space_info space = std::filesystem::space(directory, error);
    if (error || space.available >= reserve_bytes + bytes) {
      return {};  // Where it cannot be told, the writing will tell.
    }
    return Unexpected("No space left on device: " + std::to_string(space.available >> 20U) +
                      " MiB are free, " + std::to_string(reserve_bytes >> 20U) +
                      " MiB have to stay so");
  }
  Result<void, std::string> seen(const rocksdb::Status& status) {
    has_failed = has_failed || !status.ok();
    return result_of(status);
  }

  rocksdb::Status open() {
    rocksdb::DB* opened = nullptr;
    rocksdb::Status status = rocksdb::DB::Open(options(), directory, &opened);
    db.reset(opened);
    has_failed = false;
    return status;
  }
};

Result<std::unique_ptr<RocksStore>, std::string> RocksStore::open(const std::string& directory,
                                                                  std::uint64_t reserve_bytes) {
  auto database = std::make_unique<Database>();
  database->directory = directory;
  database->reserve_bytes = reserve_bytes;
  std::error_code ignored;
  std::filesystem::create_directory(directory, ignored);  // RocksDB says better what is wrong.
  if (auto room = database->look_for_room(0); !room) {
    return Unexpected(std::move(room.error()));
  }
  if (const rocksdb::Status status = database->open(); !status.ok()) {
    return Unexpected(status.ToString());
  }
  return std::unique_ptr<RocksStore>(new RocksStore(std::move(database)));
}

RocksStore::RocksStore(std::unique_ptr<Database> database) : database_(std::move(database)) {
}

RocksStore::~RocksStore() = default;

// A batch fails only where memory does, which throws; its statuses are of keys out of order in a
// protection that is off.
void RocksStore::put(ByteView key, ByteView value) {
  static_cast<void>(database_->batch.Put(slice(key), slice(value)));
}

void RocksStore::remove(ByteView key) {
  static_cast<void>(database_->batch.Delete(slice(key)));
}

void RocksStore::remove_range(ByteView begin, ByteView end) {
  static_cast<void>(database_->batch.DeleteRange(slice(begin), slice(end)));
}

void RocksStore::discard() {
  database_->batch.Clear();
}

Result<void, std::string> RocksStore::commit(bool sync) {
  Result<void, std::string> done = Unexpected(std::string("the store is closed"));
  if (database_->db != nullptr) {
    done = database_->look_for_room(database_->batch.GetDataSize());
  }
  if (done) {
    rocksdb::WriteOptions write;
    write.sync = sync;
    done = database_->seen(database_->db->Write(write, &database_->batch));
  }
  database_->batch.Clear();
  return done;
}

Result<void, std::string> RocksStore::sync() {
  if (database_->db == nullptr) {
    return Unexpected(std::string("the store is closed"));
  }
  return database_->seen(database_->db->SyncWAL());
}

Result<void, std::string> RocksStore::recover() {
  // Without room opening would fail too, and then nothing could be read either.
  if (auto room = database_->look_for_room(kMemtableBytes); !room) {
    return room;
  }
  if (database_->db != nullptr && !database_->has_failed) {
    return {};
  }
  // DB::Resume is for this, but leaves a log behind that must not be synced again (7.8).
  database_->db.reset();
  return result_of(database_->open());
}

Result<std::optional<std::string>, std::string> RocksStore::get(ByteView key) {
  if (database_->db == nullptr) {
    return Unexpected(std::string("the store is closed"));
  }
  std::string value;
  const rocksdb::Status status = database_->db->Get(rocksdb::ReadOptions(), slice(key), &value);
  if (status.IsNotFound()) {
    return std::optional<std::string>();
  }
  if (!status.ok()) {
    return Unexpected(status.ToString());
  }
  return std::optional<std::string>(std::move(value));
}

Result<void, std::string> RocksStore::scan(
    ByteView begin, ByteView end, const std::function<bool(ByteView key, ByteView value)>& visit) {
  if (database_->db == nullptr) {
    return Unexpected(std::string("the store is closed"));
  }
  const rocksdb::Slice bound = slice(end);
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> at(database_->db->NewIterator(read));
  for (at->Seek(slice(begin)); at->Valid(); at->Next()) {
    if (!visit(view(at->key()), view(at->value()))) {
      break;
    }
  }
  return result_of(at->status());
}

}  // namespace wspush::engine
