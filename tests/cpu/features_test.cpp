#include "cpu/features.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "support/temporary_folder.hpp"

namespace tenfold::cpu {
namespace {

TEST(Features, ReferenceIsAlwaysThere) { EXPECT_TRUE(available(Isa::ref)); }

TEST(Features, SelectionNeverFallsBackSilently) {
  EXPECT_EQ(select("ref"), Isa::ref);
  EXPECT_THROW(select("sse9"), Error);
  for (Isa isa : kAllIsas) {
    if (available(isa))
      EXPECT_EQ(select(to_string(isa)), isa);
    else
      EXPECT_THROW(select(to_string(isa)), Error);
  }
  EXPECT_TRUE(available(select("")));
}

TEST(Features, TilesComeOnTopOfAvx512) {
  EXPECT_TRUE(!available(Isa::amx) || available(Isa::avx512_vnni));
  EXPECT_EQ(available(Isa::amx), available(Isa::amx));  // permission is asked for once
}

TEST(Features, AtLeastOneCpu) { EXPECT_GE(allowed_cpus(), 1); }

/// Files below a folder that stands for the root of the system.
class Cgroup : public testing::Test {
 protected:
  void write(const std::filesystem::path& name, const char* content) {
    std::filesystem::create_directories((folder_.path() / name).parent_path());
    folder_.write(name, content);
  }
  double cpus() const { return cgroup_cpus(folder_.path()); }

  const test::TemporaryFolder folder_;
};

TEST_F(Cgroup, TheLeastQuotaOnTheWayToTheRoot) {
  EXPECT_TRUE(std::isinf(cpus()));
  write("sys/fs/cgroup/cpu.max", "800000 100000\n");
  EXPECT_EQ(cpus(), 8);
  write("proc/self/cgroup", "0::/machine.slice/service\n");
  write("sys/fs/cgroup/machine.slice/cpu.max", "250000 100000\n");
  write("sys/fs/cgroup/machine.slice/service/cpu.max", "max 100000\n");
  write("sys/fs/cgroup/other/cpu.max", "100000 100000\n");
  EXPECT_EQ(cpus(), 2.5);
  write("proc/self/cgroup", "0::/of/the/host\n");  // a container sees its own group as the root
  EXPECT_EQ(cpus(), 8);
}

TEST_F(Cgroup, VersionOne) {
  write("proc/self/cgroup", "5:cpuset:/a\n4:cpu,cpuacct:/a/b\nno line of that file\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_TRUE(std::isinf(cpus()));
  write("sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "150000\n");
  write("sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus(), 1.5);
}

}  // namespace
}  // namespace tenfold::cpu
