#!/bin/sh
# Fails if a per-ISA kernel object offers a symbol that another part of the program could be linked to.
#
#   tools/check_isa_leaks.sh OBJECT_DIR      (<build>/CMakeFiles/tenfold_kernels.dir/src/kernels/isa)
#
# An inline function shared by files with different -m flags is emitted by each as a weak symbol; the linker keeps one
# of them for all callers, and AVX-512 code ends up in the baseline.  So every weak symbol of such an object must carry
# the tag of its own ISA as a template argument, and the only other global symbols are the functions that fill tables.
set -eu
dir=${1:?usage: check_isa_leaks.sh OBJECT_DIR}
status=0
found=0
for object in "$dir"/*.o; do
  [ -e "$object" ] || continue
  found=1
  case $(basename "$object") in
    amx_*) tag=Amx ;;
    avx512_vnni_*) tag=Avx512Vnni ;;
    avx_vnni_evex_*) tag=AvxVnniEvex ;;
    avx_vnni_*) tag=AvxVnni ;;
    avx2_*) tag=Avx2 ;;
    *) echo "$object: the name does not begin with an ISA" >&2; status=1; continue ;;
  esac
  leaks=$(nm -C --defined-only "$object" | grep -E '^[0-9a-f]* [A-TV-Zuvw] ' |
    grep -vE "[ <,(&*]tenfold::kernels::$tag(::|[],>& )])" |
    grep -vE " T tenfold::kernels::add_[a-z0-9_]+\(tenfold::kernels::Kernels&\)" |
    grep -vE ' [A-Za-z] (__odr_asan|DW\.ref|__llvm|__gcov)' || true)
  if [ -n "$leaks" ]; then
    echo "$object: symbols without the tag $tag:" >&2
    echo "$leaks" >&2
    status=1
  fi
done
if [ "$found" = 0 ]; then
  echo "$dir: no objects" >&2
  exit 1
fi
exit $status
