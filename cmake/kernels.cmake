# The kernels layer: portable host code plus one translation unit per ISA, each compiled with its own flags.
# A per-ISA file is src/kernels/isa/<name>.cpp; its row here names the flags.  Kernel files are always optimised:
# the unoptimised form of register-tiled code is hundreds of times slower and tests nothing more.
file(GLOB kernel_host CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/kernels/*.cpp ${CMAKE_SOURCE_DIR}/src/kernels/*/*.cpp)
list(FILTER kernel_host EXCLUDE REGEX "/kernels/isa/")

# Reassociation turns a chain of sums into a tree, which needs more than 16 registers in depthwise convolutions.
set(TENFOLD_ISA_FLAGS_avx2 -mavx2 -mfma -mf16c -fno-tree-reassoc)
set(TENFOLD_ISA_FLAGS_avx_vnni -mavx2 -mfma -mf16c -mavxvnni)
# The same 256-bit kernels with EVEX encoding, for CPUs that have AVX512-VNNI but not AVX-VNNI.
set(TENFOLD_ISA_FLAGS_avx_vnni_evex -mavx2 -mfma -mf16c -mavx512vl -mavx512vnni)
set(TENFOLD_ISA_FLAGS_avx512_vnni -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512vnni -mavx512vbmi -mfma -mf16c
    -mprefer-vector-width=512)
# Tiles are inline assembly, so the assembler needs to know them and the compiler does not.
set(TENFOLD_ISA_FLAGS_amx ${TENFOLD_ISA_FLAGS_avx512_vnni})

# With every check, the register tiles take minutes to compile: each vector that is named becomes a checked object in
# memory.  Here AddressSanitizer watches buffers but not the stack, and UBSan is left out: the portable code has it, and
# the kernel tests hold these files to the portable reference, INT8 bit for bit.
set(isa_sanitize "")
if(TENFOLD_SANITIZE MATCHES "undefined")
  list(APPEND isa_sanitize -fno-sanitize=undefined)
endif()
if(TENFOLD_SANITIZE MATCHES "address")
  list(APPEND isa_sanitize -fno-sanitize-address-use-after-scope)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND isa_sanitize --param=asan-stack=0)
  else()
    list(APPEND isa_sanitize "SHELL:-mllvm -asan-stack=0")
  endif()
endif()

set(kernel_isa_sources "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  file(GLOB kernel_isa CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/kernels/isa/*.cpp)
  foreach(file ${kernel_isa})
    get_filename_component(stem ${file} NAME_WE)
    string(REGEX REPLACE "\\..*" "" isa ${stem})
    string(REGEX MATCH "^(amx|avx512_vnni|avx_vnni_evex|avx_vnni|avx2)" isa ${stem})
    if(NOT isa)
      message(FATAL_ERROR "src/kernels/isa/${stem}.cpp: the name must begin with the ISA it is compiled for")
    endif()
    set_source_files_properties(${file} PROPERTIES COMPILE_OPTIONS
      "-O3;${TENFOLD_ISA_FLAGS_${isa}};-Wno-ignored-attributes;-Wno-maybe-uninitialized;-Wno-uninitialized;${isa_sanitize}")
    set_source_files_properties(${file} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)  # other flags, few headers
    list(APPEND kernel_isa_sources ${file})
  endforeach()
endif()

if(kernel_host OR kernel_isa_sources)
  get_property(below GLOBAL PROPERTY TENFOLD_LAYERS)
  add_library(tenfold_kernels STATIC ${kernel_host} ${kernel_isa_sources})
  target_link_libraries(tenfold_kernels PUBLIC tenfold_options ${below})
  tenfold_precompile(tenfold_kernels tenfold_base)
  set_property(GLOBAL PROPERTY TENFOLD_LAYERS tenfold_kernels ${below})
else()
  tenfold_layer(kernels)
endif()

# No code of one ISA may be reachable from another (tools/check_isa_leaks.sh).  Sanitizers add symbols of their own.
if(TENFOLD_BUILD_TESTS AND kernel_isa_sources AND NOT TENFOLD_SANITIZE)
  add_test(NAME kernel_isa_leaks COMMAND ${CMAKE_SOURCE_DIR}/tools/check_isa_leaks.sh
    ${CMAKE_BINARY_DIR}/CMakeFiles/tenfold_kernels.dir/src/kernels/isa)
endif()
