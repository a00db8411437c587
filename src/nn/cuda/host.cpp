// Runs one kernel on the processor, thread by thread: kernel, blocks and threads of a block are the program's arguments.
// The kernel's arguments come on the standard input: a letter for the kind of each (upper case where the kernel writes),
// then a value of 4 or 8 bytes or the number of bytes of an array and the array. The arrays that the kernel writes go to the
// standard output. Kinds that are not those of the kernel's signature are refused.
//
// The threads of a block are contexts of which one runs until it waits for the others, as in a shuffle; arrays are allocations
// of their own, so that the address sanitizer sees what lies outside of them.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include <iostream>
#include <iterator>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#define __global__
#define __device__

struct Index {
    unsigned x;
};
static Index blockIdx, blockDim, gridDim, threadIdx;

// Without a search for leaks, which does not come to an end on the stack of a context.
[[noreturn]] static void fail(const std::string &reason) {
    std::cerr << reason << std::endl;
    _exit(1);
}

struct Thread {
    ucontext_t context;
    char *stack;
    bool done;
};
static const size_t STACK = 1 << 16;
static std::vector<Thread> threads;
static ucontext_t scheduler;

static void wait_for_others() {
    unsigned at = threadIdx.x;
    swapcontext(&threads[at].context, &scheduler);
    threadIdx.x = at;
}

static double shuffled[1024];

template <typename T> static T __shfl_xor_sync(unsigned, T value, int apart) {
    shuffled[threadIdx.x] = value;
    wait_for_others();
    T other = (T)shuffled[threadIdx.x ^ apart];
    wait_for_others();
    return other;
}

#include "kernels.cu"

struct Argument {
    char kind;
    std::vector<char> scalar;
    char *array;
    size_t bytes;
};

template <typename T> static char kind_of() {
    if (std::is_same<T, float>::value) return 'x';
    if (std::is_same<T, Count>::value) return 'n';
    using Value = typename std::remove_pointer<T>::type;
    using Plain = typename std::remove_const<Value>::type;
    char kind = std::is_same<Plain, float>::value      ? 'f'
                : std::is_same<Plain, double>::value   ? 'd'
                : std::is_same<Plain, unsigned>::value ? 'u'
                : std::is_same<Plain, Count>::value    ? 'l'
                                                       : '?';
    return std::is_const<Value>::value ? kind : kind + 'A' - 'a';
}

template <typename T> static T value_of(const std::vector<Argument> &arguments, size_t at) {
    const Argument &a = arguments[at];
    if (a.kind != kind_of<T>()) fail("argument " + std::to_string(at) + ": expected " + kind_of<T>() + ", got " + a.kind);
    T value;
    if constexpr (std::is_pointer<T>::value)
        value = (T)a.array;
    else
        memcpy(&value, a.scalar.data(), sizeof value);
    return value;
}

typedef void (*Call)(const std::vector<Argument> &);
static Call call;
static std::vector<Argument> arguments;

template <auto kernel> struct Kernel;
template <typename... T, void (*kernel)(T...)> struct Kernel<kernel> {
    template <size_t... at> static void with(const std::vector<Argument> &a, std::index_sequence<at...>) {
        kernel(value_of<T>(a, at)...);
    }
    static void call(const std::vector<Argument> &a) {
        if (a.size() != sizeof...(T)) fail("expected " + std::to_string(sizeof...(T)) + " arguments");
        with(a, std::index_sequence_for<T...>());
    }
};

static Call find(const std::string &name) {
#define KERNEL(kernel) \
    if (name == #kernel) return Kernel<&kernel>::call;
#include "table.inc"
    fail("no kernel " + name);
}

static void run_thread() {
    call(arguments);
    threads[threadIdx.x].done = true;
}

static void run_block() {
    for (Thread &t : threads) {
        t.done = false;
        getcontext(&t.context);
        t.context.uc_stack.ss_sp = t.stack;
        t.context.uc_stack.ss_size = STACK;
        t.context.uc_link = &scheduler;
        makecontext(&t.context, run_thread, 0);
    }
    for (;;) {
        size_t done = 0;
        for (unsigned at = 0; at < threads.size(); at++) {
            threadIdx.x = at;
            swapcontext(&scheduler, &threads[at].context);
            done += threads[at].done;
        }
        if (done == threads.size()) return;
        if (done > 0) fail("some threads of a block end where others wait for them");
    }
}

static void read_arguments(const std::vector<char> &in) {
    for (size_t at = 0; at < in.size();) {
        Argument a = {in[at++], {}, nullptr, 0};
        if (a.kind == 'n' || a.kind == 'x') {
            size_t size = a.kind == 'n' ? 8 : 4;
            a.scalar.assign(&in[at], &in[at] + size);
            at += size;
        } else {
            memcpy(&a.bytes, &in[at], 8);
            at += 8;
            a.array = (char *)malloc(a.bytes > 0 ? a.bytes : 1);
            memcpy(a.array, in.data() + at, a.bytes);
            at += a.bytes;
        }
        arguments.push_back(a);
    }
}

int main(int n, char **words) {
    if (n != 4) fail("expected kernel, blocks and threads");
    call = find(words[1]);
    gridDim.x = std::stoul(words[2]);
    blockDim.x = std::stoul(words[3]);
    read_arguments(std::vector<char>(std::istreambuf_iterator<char>(std::cin), {}));
    threads.resize(blockDim.x);
    for (Thread &t : threads) t.stack = (char *)malloc(STACK);
    for (blockIdx.x = 0; blockIdx.x < gridDim.x; blockIdx.x++) run_block();
    for (const Argument &a : arguments) {
        if (a.kind >= 'A' && a.kind <= 'Z') std::cout.write(a.array, a.bytes);
        free(a.array);
    }
    for (const Thread &t : threads) free(t.stack);
}
