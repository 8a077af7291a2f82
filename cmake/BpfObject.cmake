# kilnwatch_bpf(name SOURCES a.bpf.c …): compiles the files for BPF as one unit and makes the skeleton header
# name.skel.h, offered as interface target name_skel. One unit, since bpftool before 7.5 links no two objects
# that call the same function of the kernel.
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
  set(unit ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.c)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
  list(TRANSFORM ARG_SOURCES REPLACE "(.+)" "#include \"probes/\\1\"" OUTPUT_VARIABLE includes)
  list(JOIN includes "\n" text)
  file(CONFIGURE OUTPUT ${unit} CONTENT "${text}\n")
  list(TRANSFORM ARG_SOURCES PREPEND ${bpf_dir}/probes/)
  add_custom_command(OUTPUT ${object}
    COMMAND ${KILNWATCH_CLANG} -g -O2 -target bpf -mcpu=v2 -D__TARGET_ARCH_${arch}
            -Wall -Werror -Wno-unused-function -I${bpf_dir}
            -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
            -c ${unit} -o ${object}
    COMMAND ${KILNWATCH_STRIP} -g ${object}
    DEPENDS ${unit} ${ARG_SOURCES} ${headers} VERBATIM)
  set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h)
  add_custom_command(OUTPUT ${skeleton}
    COMMAND ${KILNWATCH_BPFTOOL} gen skeleton ${object} name ${name} > ${skeleton}
    DEPENDS ${object} VERBATIM)
  add_custom_target(${name}_generate DEPENDS ${skeleton})
  add_library(${name}_skel INTERFACE)
  add_dependencies(${name}_skel ${name}_generate)
  target_include_directories(${name}_skel SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR})
endfunction()
