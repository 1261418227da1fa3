# tenfold_layer(NAME [LINK ...]): one static library from src/NAME/, linked to every layer before it.
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)

add_library(tenfold_options INTERFACE)
target_include_directories(tenfold_options INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
target_compile_options(tenfold_options INTERFACE -Wall -Wextra -Wno-missing-field-initializers
  -Wno-restrict)  # GCC 12 misreads std::string concatenation (bug 105329)
if(TENFOLD_WERROR)
  target_compile_options(tenfold_options INTERFACE -Werror)
endif()
if(TENFOLD_SANITIZE)
  target_compile_options(tenfold_options INTERFACE -fsanitize=${TENFOLD_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(tenfold_options INTERFACE -fsanitize=${TENFOLD_SANITIZE})
endif()

set_property(GLOBAL PROPERTY TENFOLD_LAYERS "")

# Targets compiled alike share one precompiled header, that of `owner`.
function(tenfold_precompile target owner)
  if(target STREQUAL owner)
    target_precompile_headers(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled.hpp)
  else()
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()

# A layer with no source yet is an interface target, so the list above is complete from the first day.
function(tenfold_layer name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp ${CMAKE_SOURCE_DIR}/src/${name}/*/*.cpp)
  get_property(below GLOBAL PROPERTY TENFOLD_LAYERS)
  if(sources)
    add_library(tenfold_${name} STATIC ${sources})
    target_link_libraries(tenfold_${name} PUBLIC tenfold_options ${below} ${ARG_LINK})
    tenfold_precompile(tenfold_${name} tenfold_base)
  else()
    add_library(tenfold_${name} INTERFACE)
    target_link_libraries(tenfold_${name} INTERFACE tenfold_options ${below} ${ARG_LINK})
  endif()
  set_property(GLOBAL PROPERTY TENFOLD_LAYERS tenfold_${name} ${below})
endfunction()
