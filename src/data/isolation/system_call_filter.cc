#include "data/isolation/system_call_filter.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

namespace kindred {
namespace {

// What computing and reading needs, as it is called by the C library, HDF5 and libarchive.
constexpr int kAllowed[] = {
    // memory
    SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(mremap), SCMP_SYS(munmap),
    // files that are open, and what is asked about others
    SCMP_SYS(access), SCMP_SYS(close), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(fcntl),
    SCMP_SYS(flock), SCMP_SYS(fstat), SCMP_SYS(fstatfs), SCMP_SYS(getcwd), SCMP_SYS(getdents64),
    SCMP_SYS(lseek), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(poll), SCMP_SYS(ppoll),
    SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(read), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
    SCMP_SYS(readv), SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(stat), SCMP_SYS(statx),
    SCMP_SYS(write), SCMP_SYS(writev),
    // time and threads' primitives
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(futex), SCMP_SYS(getrandom),
    SCMP_SYS(gettimeofday), SCMP_SYS(nanosleep), SCMP_SYS(rseq), SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_yield), SCMP_SYS(setitimer), SCMP_SYS(time),
    // itself
    SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(getegid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
    SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(getrusage), SCMP_SYS(gettid), SCMP_SYS(getuid),
    SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(sysinfo), SCMP_SYS(uname)};

struct Release {
  void operator()(void* filter) const { seccomp_release(filter); }
};

// `call` where the bits of `mask` are all off in its argument of that number.
bool allow_without(scmp_filter_ctx filter, int call, unsigned argument, scmp_datum_t mask) {
  const scmp_arg_cmp off{argument, SCMP_CMP_MASKED_EQ, mask, 0};
  return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &off) == 0;
}

std::vector<sock_filter> compile() {
  const std::unique_ptr<void, Release> filter(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (filter == nullptr) return {};
  bool done = true;
  for (const int call : kAllowed) {
    done = done && seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0) == 0;
  }
#if defined(__SANITIZE_ADDRESS__)
  // By a pipe UBSan asks whether memory can be read; without one each first Error looks broken.
  for (const int call : {SCMP_SYS(pipe), SCMP_SYS(pipe2)}) {
    done = done && seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0) == 0;
  }
#endif
  constexpr scmp_datum_t kWriting = O_ACCMODE | O_CREAT | O_TRUNC;
  done = done && allow_without(filter.get(), SCMP_SYS(open), 1, kWriting) &&
         allow_without(filter.get(), SCMP_SYS(openat), 2, kWriting) &&
         allow_without(filter.get(), SCMP_SYS(mmap), 2, PROT_EXEC) &&
         allow_without(filter.get(), SCMP_SYS(mprotect), 2, PROT_EXEC);
  // Out through a file, for want of a call that gives it in memory before libseccomp 2.6.
  const int file = done ? ::memfd_create("filter", MFD_CLOEXEC) : -1;
  if (file < 0) return {};
  std::vector<sock_filter> program;
  if (seccomp_export_bpf(filter.get(), file) == 0) {
    const off_t bytes = ::lseek(file, 0, SEEK_END);
    program.resize(static_cast<std::size_t>(bytes) / sizeof(sock_filter));
    if (::pread(file, program.data(), static_cast<std::size_t>(bytes), 0) != bytes) program.clear();
  }
  ::close(file);
  return program;
}

std::vector<sock_filter>& compiled() {
  static std::vector<sock_filter> program = compile();
  return program;
}

}  // namespace

void SystemCallFilter::prepare() { compiled(); }

bool SystemCallFilter::install() {
  std::vector<sock_filter>& program = compiled();
  if (program.empty()) return false;
  const sock_fprog whole{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole) == 0;
}

}  // namespace kindred
