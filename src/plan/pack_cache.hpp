// Packed weights, shared by the plans of one session.
#pragma once

#include <any>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace tenfold::plan {

/// Weights are packed once however many shapes a session is planned for.  Keys name the constant (by address
/// of its bytes) and everything the packed form depends on.  Thread safe.
class PackCache {
 public:
  /// The packed form under `key`, made by `pack` on the first request.
  template <class T, class F>
  std::shared_ptr<const T> get(const std::string& key, const F& pack) {
    const std::lock_guard lock(mutex_);
    std::any& slot = entries_[key];
    if (!slot.has_value()) slot = std::make_shared<const T>(pack());
    return std::any_cast<std::shared_ptr<const T>>(slot);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::any> entries_;
};

}  // namespace tenfold::plan
