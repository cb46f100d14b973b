using System.Collections.Concurrent;
using System.Reflection;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>A named tree of parameters, buffers and submodules.</summary>
        public partial class Module : IDisposable
        {
            private static readonly ConcurrentDictionary<Type, FieldInfo[]> FieldsOf = new();

            private readonly List<(string Name, Module Value)> submodules = [];
            private readonly List<(string Name, Parameter Value)> parameterList = [];
            private readonly List<(string Name, Tensor Value, bool Persistent)> bufferList = [];
            private bool isTraining = true;
            private bool isDisposed;

            protected string name;

            protected Module(string name) => this.name = name;

            ~Module() => Dispose(false);

            public virtual bool training => isTraining;

            public virtual string GetName() => name;

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            /// <summary>Disposes parameters, buffers and submodules. Where a module is only collected, each tensor's own finaliser does.</summary>
            protected virtual void Dispose(bool disposing)
            {
                if (!disposing || isDisposed) return;
                isDisposed = true;
                foreach (var (_, module) in submodules) module.Dispose();
                foreach (var (_, parameter) in parameterList) parameter.Dispose();
                foreach (var (_, buffer, _) in bufferList) buffer.Dispose();
            }

            /// <summary>Registers every field that is a module, a parameter or a tensor (as a buffer) under the field's name. Call it last in the constructor.</summary>
            protected virtual void RegisterComponents()
            {
                foreach (var field in FieldsOf.GetOrAdd(GetType(), ComponentFields))
                {
                    switch (field.GetValue(this))
                    {
                        case Module module: register_module(field.Name, module); break;
                        case Parameter parameter: register_parameter(field.Name, parameter); break;
                        case Tensor buffer: register_buffer(field.Name, buffer); break;
                    }
                }
            }

            private static FieldInfo[] ComponentFields(Type type) =>
                [.. type.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance)
                    .Where(f => f.DeclaringType != typeof(Module) &&
                        (typeof(Module).IsAssignableFrom(f.FieldType) || typeof(Tensor).IsAssignableFrom(f.FieldType)))];

            protected void ClearModules() => submodules.Clear();

            public void add_module(string name, Module module) => register_module(name, module);

            public virtual void register_module(string name, Module submodule)
            {
                CheckName(name);
                if (submodule is null) { submodules.RemoveAll(m => m.Name == name); return; }
                Set(submodules, name, submodule);
                submodule.train(isTraining);
            }

            public virtual void register_parameter(string name, Parameter param)
            {
                CheckName(name);
                if (param is null) { parameterList.RemoveAll(p => p.Name == name); return; }
                // A module outlives the scope it was built in.
                param.DetachFromDisposeScope();
                Set(parameterList, name, param);
            }

            public virtual void register_buffer(string name, Tensor tensor, bool persistent = true)
            {
                CheckName(name);
                bufferList.RemoveAll(b => b.Name == name);
                if (tensor is null) return;
                tensor.DetachFromDisposeScope();
                bufferList.Add((name, tensor, persistent));
            }

            private static void CheckName(string name)
            {
                if (string.IsNullOrEmpty(name) || name.Contains('.'))
                    throw new ArgumentException($"'{name}' cannot name a component of a module: it must have a character and no dot.", nameof(name));
            }

            private static void Set<T>(List<(string Name, T Value)> list, string name, T value)
            {
                var at = list.FindIndex(item => item.Name == name);
                if (at < 0) list.Add((name, value));
                else list[at] = (name, value);
            }

            public virtual IEnumerable<(string name, Module module)> named_children() => submodules.Select(m => (m.Name, m.Value));

            public virtual IEnumerable<Module> children() => named_children().Select(m => m.module);

            public virtual IEnumerable<(string name, Module module)> named_modules() =>
                named_children().SelectMany(child => child.module.named_modules().Select(m => (child.name + "." + m.name, m.module)).Prepend((child.name, child.module)));

            public virtual IEnumerable<Module> modules() => named_modules().Select(m => m.module).Prepend(this);

            public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                var seen = new HashSet<Parameter>(ReferenceEqualityComparer.Instance);
                var all = parameterList.Select(p => (p.Name, p.Value));
                if (recurse) all = all.Concat(named_children().SelectMany(c => c.module.named_parameters().Select(p => (c.name + "." + p.name, p.parameter))));
                return all.Where(p => seen.Add(p.Item2)).ToList();
            }

            public virtual IEnumerable<Parameter> parameters(bool recurse = true) => named_parameters(recurse).Select(p => p.parameter);

            public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true)
            {
                var all = bufferList.Where(b => include_nonpersistent || b.Persistent).Select(b => (b.Name, b.Value));
                return recurse ? all.Concat(named_children().SelectMany(c => c.module.named_buffers(true, include_nonpersistent).Select(b => (c.name + "." + b.name, b.buffer)))) : all;
            }

            public virtual IEnumerable<Tensor> buffers(bool recurse = true, bool include_nonpersistent = true) => named_buffers(recurse, include_nonpersistent).Select(b => b.buffer);

            public virtual bool has_parameter(string target) => named_parameters().Any(p => p.name == target);

            public virtual Parameter get_parameter(string target) => named_parameters().FirstOrDefault(p => p.name == target).parameter;

            public virtual bool has_buffer(string target) => named_buffers().Any(b => b.name == target);

            public virtual Tensor get_buffer(string target) => named_buffers().FirstOrDefault(b => b.name == target).buffer;

            public virtual Module apply(Action<Module> fn)
            {
                foreach (var child in children()) child.apply(fn);
                fn(this);
                return this;
            }

            public virtual void train(bool train = true)
            {
                isTraining = train;
                foreach (var child in children()) child.train(train);
            }

            public virtual void eval() => train(false);

            public virtual void zero_grad(bool set_to_none = true)
            {
                foreach (var parameter in parameters()) ZeroGrad(parameter, set_to_none);
            }

            internal static void ZeroGrad(Tensor parameter, bool set_to_none)
            {
                if (set_to_none) { parameter.grad = null; return; }
                using var grad = parameter.grad;
                using (no_grad()) grad?.zero_();
            }
        }
    }
}
