// Packed weights, shared by the plans of one session.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace tenfold::plan {

/// Weights are packed once however many shapes a session is planned for, and freed with the last plan that
/// uses them.  Keys name the constants by content and everything the packed form depends on.  Thread safe.
class PackCache {
 public:
  /// The packed form under `key`, made by `pack` on the first request.
  template <class T, class F>
  std::shared_ptr<const T> get(const std::string& key, const F& pack) {
    const std::lock_guard lock(mutex_);
    std::weak_ptr<const void>& slot = entries_[key];
    if (const auto found = slot.lock()) return std::static_pointer_cast<const T>(found);
    auto made = std::make_shared<const T>(pack());
    slot = made;
    return made;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const void>> entries_;
};

}  // namespace tenfold::plan
