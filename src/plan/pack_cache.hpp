// Packed weights, shared by the plans of one session.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/mapped_file.hpp"
#include "tensor/tensor.hpp"

namespace tenfold::plan {

/// Names a packed form: by the constants it is made from, and in `text` by everything else that it depends
/// on. Constants count by content, not by address: lowering makes new ones for every plan.
struct PackKey {
  std::string text;
  std::vector<Tensor> constants;  ///< empty ones for omitted inputs
};

/// Weights are packed once however many shapes a session is planned for, and freed with the last plan that
/// uses them.  Thread safe; what two threads ask for at the same time may be packed twice.
class PackCache {
 public:
  /// The packed form under `key`, made by `pack` on the first request.
  template <class T, class F>
  std::shared_ptr<const T> get(const PackKey& key, const F& pack) {
    if (auto found = find<T>(key)) return found;
    auto made = std::make_shared<const Packed<T>>(key.constants, pack());
    for (const Tensor& t : key.constants)
      if (!t.empty()) MappedFile::release_pages(t.raw(), t.bytes());
    const std::lock_guard lock(mutex_);
    entries_.emplace(key.text, made);
    return {made, &made->form};
  }

 private:
  struct Entry {
    std::vector<Tensor> constants;
  };
  template <class T>
  struct Packed : Entry {
    Packed(std::vector<Tensor> c, T f) : Entry{std::move(c)}, form(std::move(f)) {}
    T form;
  };

  template <class T>
  std::shared_ptr<const T> find(const PackKey& key) {
    const std::lock_guard lock(mutex_);
    for (auto [it, end] = entries_.equal_range(key.text); it != end;) {
      const std::shared_ptr<const Entry> entry = it->second.lock();
      if (!entry) {
        it = entries_.erase(it);
        continue;
      }
      if (same(entry->constants, key.constants)) {
        const auto packed = std::static_pointer_cast<const Packed<T>>(entry);
        return {packed, &packed->form};
      }
      ++it;
    }
    return nullptr;
  }
  /// Constants under one text have the same types and shapes.
  static bool same(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
    for (size_t i = 0; i < a.size(); i++)
      if (a[i].raw() != b[i].raw() && std::memcmp(a[i].raw(), b[i].raw(), a[i].bytes()) != 0) return false;
    return true;
  }

  std::mutex mutex_;
  std::multimap<std::string, std::weak_ptr<const Entry>> entries_;
};

}  // namespace tenfold::plan
