#include "base/temporary_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "base/error.hpp"
#include "base/mapped_file.hpp"

namespace tenfold {
namespace {

namespace fs = std::filesystem;

struct TemporaryFileTest : testing::Test {
  fs::path folder = fs::temp_directory_path() / ("tenfold_file_test_" + std::to_string(getpid()));
  void SetUp() override { fs::create_directory(folder); }
  void TearDown() override { fs::remove_all(folder); }
  static std::string content(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
};

TEST_F(TemporaryFileTest, NothingIsSeenBeforeCommit) {
  const fs::path path = folder / "a";
  write_file_atomically(path, "old");
  {
    TemporaryFile file(path);
    file.write("new", 3);
    EXPECT_EQ(content(path), "old");
  }
  EXPECT_EQ(content(path), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 1);
}

TEST_F(TemporaryFileTest, OneFileUnderTwoNamesIsNotOverwritten) {
  const fs::path path = folder / "a", link = folder / "link";
  write_file_atomically(path, "old");
  fs::create_symlink(path, link);
  refuse_overwriting(path, folder / "b");
  refuse_overwriting(folder / "absent", path);
  for (const fs::path& same : {path, link, folder / "." / "a"})
    EXPECT_THROW(refuse_overwriting(path, same), Error) << same;
}

TEST_F(TemporaryFileTest, PipesAndFoldersAreNotReplaced) {
  const fs::path pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THROW(write_file_atomically(pipe, "x"), Error);
  EXPECT_THROW(write_file_atomically(folder, "x"), Error);
  EXPECT_TRUE(fs::is_fifo(pipe));
  EXPECT_THROW(MappedFile::open(pipe), Error);  // and does not wait for a writer
}

TEST_F(TemporaryFileTest, LinksAreWrittenThrough) {
  write_file_atomically(folder / "real", "old");
  fs::create_symlink("real", folder / "link");
  write_file_atomically(folder / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(content(folder / "real"), "new");
}

}  // namespace
}  // namespace tenfold
