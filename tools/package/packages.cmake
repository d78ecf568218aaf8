# cpack -G DEB in the build folder.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME kindred)
set(CPACK_PACKAGE_CONTACT "Kindred developers <kindred@example.org>")
set(CPACK_PACKAGE_VENDOR "Kindred developers")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_OUTPUT_FILE_PREFIX packages)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_COMPONENTS_ALL runtime library development)
if(plugins)
  list(APPEND CPACK_COMPONENTS_ALL mpi)
endif()
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
# The dependencies are those of the binaries; our own library lies in the build folder.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_BINARY_DIR}/lib)

set(soname libkindred${PROJECT_VERSION_MAJOR})
set(same_library "${soname} (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
set(about "Kindred trains small networks whose embeddings put kin next to kin: images or
vectors in, distances that mean something out. It computes on CPUs alone, with
oneDNN and oneTBB, and the same seed gives the same bits with any number of
threads.")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # it would stand above each package's own
function(describe component synopsis text)
  set(CPACK_DEBIAN_${component}_DESCRIPTION "${synopsis}\n${about}\n.\n${text}" PARENT_SCOPE)
endfunction()

set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME kindred)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION science)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_DEPENDS "${same_library}")
describe(RUNTIME "trains and uses embeddings on CPUs (program)"
"This package holds the program, its manual pages, its recipes, and Omniglot's
characters at 28 x 28 pixels to try them on.")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${soname})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_GENERATE_SHLIBS_POLICY "=")
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_LIST_DIR}/triggers)
describe(LIBRARY "trains and uses embeddings on CPUs (library)"
"This package holds the shared library.")

set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libkindred-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${same_library}")
describe(DEVELOPMENT "trains and uses embeddings on CPUs (headers)"
"This package holds the C++ headers and the files for CMake and pkg-config.")

# The plug-ins of MPI libraries, each of which is loaded where its mpirun has started the program.
set(CPACK_DEBIAN_MPI_PACKAGE_NAME kindred-mpi)
set(CPACK_DEBIAN_MPI_PACKAGE_SECTION science)
set(CPACK_DEBIAN_MPI_PACKAGE_DEPENDS "${same_library}, libc6 (>= 2.34)")
# One of the two is enough, whichever is there: no dependency of the binaries' own.
set(CPACK_DEBIAN_MPI_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_MPI_PACKAGE_RECOMMENDS "openmpi-bin | mpich")
describe(MPI "trains embeddings on several machines (MPI)"
"This package holds what joins the ranks that mpirun or srun start, of Open MPI
and of MPICH.")

include(CPack)
