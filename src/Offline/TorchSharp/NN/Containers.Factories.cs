using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static Sequential Sequential() => new(Array.Empty<Module<Tensor, Tensor>>());
        public static Sequential Sequential(params Module<Tensor, Tensor>[] modules) => new(modules);
        public static Sequential Sequential(IEnumerable<Module<Tensor, Tensor>> modules) => new(modules.ToArray());
        public static Sequential Sequential(params (string name, Module<Tensor, Tensor> submodule)[] modules) => new(modules);
        public static Sequential Sequential(IEnumerable<(string name, Module<Tensor, Tensor> submodule)> modules) => new(modules.ToArray());

        public static Sequential Sequential(params Tuple<string, Module<Tensor, Tensor>>[] modules) => new([.. modules.Select(m => (m.Item1, m.Item2))]);
        public static Sequential Sequential(IEnumerable<Tuple<string, Module<Tensor, Tensor>>> modules) => Sequential(modules.ToArray());

        public static ModuleList<T> ModuleList<T>(params T[] modules) where T : Module => new(modules);
        public static ModuleList<Module> ModuleList(params Module[] modules) => new(modules);

        public static ModuleDict<T> ModuleDict<T>(params (string, T)[] modules) where T : Module
        {
            var dict = new ModuleDict<T>();
            foreach (var item in modules) dict.Add(item);
            return dict;
        }

        public static ModuleDict<Module> ModuleDict(params (string, Module)[] modules) => ModuleDict<Module>(modules);

        public static ParameterDict ParameterDict(params (string, Parameter)[] parameters)
        {
            var dict = new ParameterDict();
            foreach (var item in parameters) dict.Add(item);
            return dict;
        }

        public static ParameterList ParameterList(params Parameter[] parameters) => new(parameters);
    }
}
