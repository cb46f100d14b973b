namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>
        /// A module whose calls can be watched and changed. A hook that returns null leaves what it was given as it is; hooks run in
        /// the order in which they were registered, and only through <c>call</c>, not through <c>forward</c>.
        /// </summary>
        public class HookableModule<TPreHook, TPostHook> : Module
        {
            private int hooks;

            protected Dictionary<string, TPreHook> pre_hooks = [];
            protected Dictionary<string, TPostHook> post_hooks = [];
            protected Dictionary<string, Action<Module>> module_pre_hooks = [];
            protected Dictionary<string, Action<Module>> module_post_hooks = [];

            protected HookableModule(string name) : base(name)
            {
            }

            private protected bool Hooked => pre_hooks.Count + post_hooks.Count + module_pre_hooks.Count + module_post_hooks.Count > 0;

            public HookRemover register_forward_hook(TPostHook hook) => Add(post_hooks, hook);

            public HookRemover register_forward_pre_hook(TPreHook hook) => Add(pre_hooks, hook);

            public HookRemover register_forward_hook(Action<Module> hook) => Add(module_post_hooks, hook);

            public HookRemover register_forward_pre_hook(Action<Module> hook) => Add(module_pre_hooks, hook);

            private HookRemover Add<T>(Dictionary<string, T> to, T hook)
            {
                ArgumentNullException.ThrowIfNull(hook);
                var key = (++hooks).ToString(System.Globalization.CultureInfo.InvariantCulture);
                to.Add(key, hook);
                return new(this, key);
            }

            private void Remove(string key) => _ = pre_hooks.Remove(key) || post_hooks.Remove(key) || module_pre_hooks.Remove(key) || module_post_hooks.Remove(key);

            private protected void Before()
            {
                foreach (var hook in module_pre_hooks.Values) hook(this);
            }

            private protected void After()
            {
                foreach (var hook in module_post_hooks.Values) hook(this);
            }

            /// <summary>Takes one hook away again.</summary>
            public class HookRemover(HookableModule<TPreHook, TPostHook> module, string key)
            {
                public void remove() => module.Remove(key);
            }
        }

        public interface IModule<T, TResult>
        {
            TResult call(T input1);
        }

        public abstract class Module<T, TResult> : HookableModule<Func<Module<T, TResult>, T, T>, Func<Module<T, TResult>, T, TResult, TResult>>, IModule<T, TResult>
        {
            protected Module(string name) : base(name)
            {
            }

            public abstract TResult forward(T input);

            public TResult call(T input)
            {
                if (!Hooked) return forward(input);
                Before();
                foreach (var hook in pre_hooks.Values)
                {
                    if (hook(this, input) is { } changed) input = changed;
                }
                var result = forward(input);
                foreach (var hook in post_hooks.Values)
                {
                    if (hook(this, input, result) is { } changed) result = changed;
                }
                After();
                return result;
            }
        }

        public interface IModule<T1, T2, TResult>
        {
            TResult call(T1 input1, T2 input2);
        }

        public abstract class Module<T1, T2, TResult> : HookableModule<Func<Module<T1, T2, TResult>, T1, T2, (T1, T2)?>, Func<Module<T1, T2, TResult>, T1, T2, TResult, TResult>>, IModule<T1, T2, TResult>
        {
            protected Module(string name) : base(name)
            {
            }

            public abstract TResult forward(T1 input1, T2 input2);

            public TResult call(T1 input1, T2 input2)
            {
                if (!Hooked) return forward(input1, input2);
                Before();
                foreach (var hook in pre_hooks.Values)
                {
                    if (hook(this, input1, input2) is { } changed) (input1, input2) = changed;
                }
                var result = forward(input1, input2);
                foreach (var hook in post_hooks.Values)
                {
                    if (hook(this, input1, input2, result) is { } changed) result = changed;
                }
                After();
                return result;
            }
        }

        public interface IModule<T1, T2, T3, TResult>
        {
            TResult call(T1 input1, T2 input2, T3 input3);
        }

        public abstract class Module<T1, T2, T3, TResult> : HookableModule<Func<Module<T1, T2, T3, TResult>, T1, T2, T3, (T1, T2, T3)?>, Func<Module<T1, T2, T3, TResult>, T1, T2, T3, TResult, TResult>>, IModule<T1, T2, T3, TResult>
        {
            protected Module(string name) : base(name)
            {
            }

            public abstract TResult forward(T1 input1, T2 input2, T3 input3);

            public TResult call(T1 input1, T2 input2, T3 input3)
            {
                if (!Hooked) return forward(input1, input2, input3);
                Before();
                foreach (var hook in pre_hooks.Values)
                {
                    if (hook(this, input1, input2, input3) is { } changed) (input1, input2, input3) = changed;
                }
                var result = forward(input1, input2, input3);
                foreach (var hook in post_hooks.Values)
                {
                    if (hook(this, input1, input2, input3, result) is { } changed) result = changed;
                }
                After();
                return result;
            }
        }

        public interface IModule<T1, T2, T3, T4, TResult>
        {
            TResult call(T1 input1, T2 input2, T3 input3, T4 input4);
        }

        public abstract class Module<T1, T2, T3, T4, TResult> : HookableModule<Func<Module<T1, T2, T3, T4, TResult>, T1, T2, T3, T4, (T1, T2, T3, T4)?>, Func<Module<T1, T2, T3, T4, TResult>, T1, T2, T3, T4, TResult, TResult>>, IModule<T1, T2, T3, T4, TResult>
        {
            protected Module(string name) : base(name)
            {
            }

            public abstract TResult forward(T1 input1, T2 input2, T3 input3, T4 input4);

            public TResult call(T1 input1, T2 input2, T3 input3, T4 input4)
            {
                if (!Hooked) return forward(input1, input2, input3, input4);
                Before();
                foreach (var hook in pre_hooks.Values)
                {
                    if (hook(this, input1, input2, input3, input4) is { } changed) (input1, input2, input3, input4) = changed;
                }
                var result = forward(input1, input2, input3, input4);
                foreach (var hook in post_hooks.Values)
                {
                    if (hook(this, input1, input2, input3, input4, result) is { } changed) result = changed;
                }
                After();
                return result;
            }
        }

        public interface IModule<T1, T2, T3, T4, T5, TResult>
        {
            TResult call(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5);
        }

        public abstract class Module<T1, T2, T3, T4, T5, TResult> : HookableModule<Func<Module<T1, T2, T3, T4, T5, TResult>, T1, T2, T3, T4, T5, (T1, T2, T3, T4, T5)?>, Func<Module<T1, T2, T3, T4, T5, TResult>, T1, T2, T3, T4, T5, TResult, TResult>>, IModule<T1, T2, T3, T4, T5, TResult>
        {
            protected Module(string name) : base(name)
            {
            }

            public abstract TResult forward(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5);

            public TResult call(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5)
            {
                if (!Hooked) return forward(input1, input2, input3, input4, input5);
                Before();
                foreach (var hook in pre_hooks.Values)
                {
                    if (hook(this, input1, input2, input3, input4, input5) is { } changed) (input1, input2, input3, input4, input5) = changed;
                }
                var result = forward(input1, input2, input3, input4, input5);
                foreach (var hook in post_hooks.Values)
                {
                    if (hook(this, input1, input2, input3, input4, input5, result) is { } changed) result = changed;
                }
                After();
                return result;
            }
        }

        public interface IModule<T1, T2, T3, T4, T5, T6, TResult>
        {
            TResult call(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5, T6 input6);
        }

        public abstract class Module<T1, T2, T3, T4, T5, T6, TResult> : HookableModule<Func<Module<T1, T2, T3, T4, T5, T6, TResult>, T1, T2, T3, T4, T5, T6, (T1, T2, T3, T4, T5, T6)?>, Func<Module<T1, T2, T3, T4, T5, T6, TResult>, T1, T2, T3, T4, T5, T6, TResult, TResult>>, IModule<T1, T2, T3, T4, T5, T6, TResult>
        {
            protected Module(string name) : base(name)
            {
            }

            public abstract TResult forward(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5, T6 input6);

            public TResult call(T1 input1, T2 input2, T3 input3, T4 input4, T5 input5, T6 input6)
            {
                if (!Hooked) return forward(input1, input2, input3, input4, input5, input6);
                Before();
                foreach (var hook in pre_hooks.Values)
                {
                    if (hook(this, input1, input2, input3, input4, input5, input6) is { } changed) (input1, input2, input3, input4, input5, input6) = changed;
                }
                var result = forward(input1, input2, input3, input4, input5, input6);
                foreach (var hook in post_hooks.Values)
                {
                    if (hook(this, input1, input2, input3, input4, input5, input6, result) is { } changed) result = changed;
                }
                After();
                return result;
            }
        }
    }
}
