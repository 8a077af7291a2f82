# One folder of userspace/ is one static library: kilnwatch_room(name SOURCES … DEPENDS …).
# What a room may include comes only from DEPENDS; tests/check/layers.py holds the same table.

add_library(kilnwatch_options INTERFACE)
target_include_directories(kilnwatch_options INTERFACE ${CMAKE_SOURCE_DIR}/userspace)
target_compile_options(kilnwatch_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  # GCC 12 sees overlapping copies in std::string, and uninitialised parts of a std::optional, that
  # are not there (GCC bugs 105651, 105562). Clang checks both in the fuzz preset.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-maybe-uninitialized>)
# fmt's functions are templates: the header-only form keeps the executable free of another library.
target_compile_definitions(kilnwatch_options INTERFACE FMT_HEADER_ONLY=1)
if(KILNWATCH_SANITIZE)
  target_compile_options(kilnwatch_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(kilnwatch_options INTERFACE -fsanitize=address,undefined)
endif()
if(KILNWATCH_FUZZ)
  target_compile_options(kilnwatch_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(KILNWATCH_TSAN)
  target_compile_options(kilnwatch_options INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(kilnwatch_options INTERFACE -fsanitize=thread)
endif()

function(kilnwatch_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  if(ARG_SOURCES)
    add_library(kw_${name} STATIC ${ARG_SOURCES})
    target_link_libraries(kw_${name} PUBLIC kilnwatch_options ${ARG_DEPENDS})
  else()
    add_library(kw_${name} INTERFACE)
    target_link_libraries(kw_${name} INTERFACE kilnwatch_options ${ARG_DEPENDS})
  endif()
endfunction()

# kilnwatch_test(name SOURCES … DEPENDS …): one Catch2 executable, found by ctest under unit.<name>.
function(kilnwatch_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(test_${name} ${ARG_SOURCES})
  target_include_directories(test_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(test_${name} PRIVATE kilnwatch_options ${ARG_DEPENDS} Catch2::Catch2WithMain)
  catch_discover_tests(test_${name} TEST_PREFIX "unit.${name}." PROPERTIES LABELS unit)
  kilnwatch_plain(test_${name})
endfunction()

# What is tested is optimised a little in the dev preset; the cases themselves would only compile for twice as long.
function(kilnwatch_plain target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Debug>:-O0>)
endfunction()
