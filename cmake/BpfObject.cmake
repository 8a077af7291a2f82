# kilnwatch_bpf(name SOURCES a.bpf.c …): compiles each file for BPF, links them into one object and makes
# the skeleton header name.skel.h, offered as interface target name_skel.
find_program(KILNWATCH_CLANG NAMES clang clang-14 REQUIRED)
find_program(KILNWATCH_BPFTOOL NAMES bpftool PATHS /usr/sbin REQUIRED)
find_program(KILNWATCH_STRIP NAMES llvm-strip llvm-strip-14 REQUIRED)

function(kilnwatch_bpf name)
  cmake_parse_arguments(ARG "" "" "SOURCES" ${ARGN})
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    set(arch arm64)
  else()
    set(arch x86)
  endif()
  set(bpf_dir ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/../bpf)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${bpf_dir}/*.h)
  set(objects)
  foreach(source IN LISTS ARG_SOURCES)
    get_filename_component(stem ${source} NAME_WE)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/${stem}.bpf.o)
    add_custom_command(OUTPUT ${object}
      COMMAND ${KILNWATCH_CLANG} -g -O2 -target bpf -mcpu=v2 -D__TARGET_ARCH_${arch}
              -Wall -Werror -Wno-unused-function -I${bpf_dir}
              -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
              -c ${bpf_dir}/probes/${source} -o ${object}
      COMMAND ${KILNWATCH_STRIP} -g ${object}
      DEPENDS ${bpf_dir}/probes/${source} ${headers} VERBATIM)
    list(APPEND objects ${object})
  endforeach()
  set(linked ${CMAKE_CURRENT_BINARY_DIR}/${name}.linked.o)
  set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h)
  add_custom_command(OUTPUT ${skeleton}
    COMMAND ${KILNWATCH_BPFTOOL} gen object ${linked} ${objects}
    COMMAND ${KILNWATCH_BPFTOOL} gen skeleton ${linked} name ${name} > ${skeleton}
    DEPENDS ${objects} VERBATIM)
  add_custom_target(${name}_generate DEPENDS ${skeleton})
  add_library(${name}_skel INTERFACE)
  add_dependencies(${name}_skel ${name}_generate)
  target_include_directories(${name}_skel SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR})
endfunction()
