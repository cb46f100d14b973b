using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A random number generator of its own; the global one is <see cref="Default"/>.</summary>
    public unsafe class Generator : IDisposable
    {
        private nint handle;

        public Generator(ulong seed = 0, Device device = null)
        {
            this.device = device ?? CPU;
            nint created;
            NativeMethods.Check(NativeMethods.ts_generator_new(this.device.Packed, seed, &created));
            handle = created;
        }

        private Generator(nint handle, Device device)
        {
            this.handle = handle;
            this.device = device;
        }

        ~Generator() => Dispose(false);

        public static Generator Default
        {
            get
            {
                nint created;
                NativeMethods.Check(NativeMethods.ts_generator_default(CPU.Packed, &created));
                return new Generator(created, CPU);
            }
        }

        public Device device { get; }

        public nint Handle => handle != 0 ? handle : throw new ObjectDisposedException(nameof(Generator));

        public long initial_seed()
        {
            ulong seed;
            NativeMethods.Check(NativeMethods.ts_generator_seed(Handle, &seed));
            GC.KeepAlive(this);
            return (long)seed;
        }

        public Generator manual_seed(long seed)
        {
            NativeMethods.Check(NativeMethods.ts_generator_set_seed(Handle, (ulong)seed));
            GC.KeepAlive(this);
            return this;
        }

        public long seed()
        {
            var value = Random.Shared.NextInt64();
            manual_seed(value);
            return value;
        }

        public Tensor get_state()
        {
            nint state;
            NativeMethods.Check(NativeMethods.ts_generator_state(Handle, &state));
            GC.KeepAlive(this);
            return Tensor.Wrap(state);
        }

        public void set_state(Tensor value)
        {
            NativeMethods.Check(NativeMethods.ts_generator_set_state(Handle, value.Handle));
            GC.KeepAlive(this);
            GC.KeepAlive(value);
        }

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            var old = Interlocked.Exchange(ref handle, 0);
            if (old != 0) NativeMethods.ts_generator_free(old);
        }
    }

    public static Generator manual_seed(long seed) => random.manual_seed(seed);
    public static long seed() => random.seed();
    public static long initial_seed() => random.initial_seed();

    public static partial class random
    {
        public static Generator manual_seed(long seed)
        {
            NativeMethods.Check(NativeMethods.ts_manual_seed((ulong)seed));
            return Generator.Default;
        }

        public static long seed()
        {
            var value = Random.Shared.NextInt64();
            manual_seed(value);
            return value;
        }

        public static long initial_seed()
        {
            using var generator = Generator.Default;
            return generator.initial_seed();
        }

        public static Tensor get_rng_state()
        {
            using var generator = Generator.Default;
            return generator.get_state();
        }

        public static void set_rng_state(Tensor new_state)
        {
            using var generator = Generator.Default;
            generator.set_state(new_state);
        }
    }
}
