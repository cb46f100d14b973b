using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.ExceptionServices;

namespace Microsoft.ML.Runtime;

/// <summary>Which class loads what: collected from the attributes of the registered assemblies.</summary>
public sealed class ComponentCatalog
{
    /// <summary>What an assembly declares does not change, so it is read once per process.</summary>
    private static readonly ConcurrentDictionary<Assembly, Declarations> _declared = new();

    private static readonly ConcurrentDictionary<Assembly, bool> _mayDeclare = new();

    private readonly Lock _lock = new();
    private readonly HashSet<Assembly> _registered = [];
    private readonly Dictionary<(Type Signature, string Name), LoadableClassAttribute> _classes = [];
    private readonly Dictionary<(Type Attribute, string Contract), Type> _extensions = [];

    internal ComponentCatalog()
    {
    }

    /// <summary>Makes the loadable classes and extensions of an assembly known.</summary>
    /// <exception cref="InvalidOperationException">One of its names is taken by another class; nothing of it is then registered.</exception>
    public void RegisterAssembly(Assembly assembly, bool throwOnError = true)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        Declarations declared;
        try
        {
            declared = _declared.GetOrAdd(assembly, Read);
        }
        catch (Exception e) when (!throwOnError && e is TypeLoadException or FileNotFoundException or FileLoadException or BadImageFormatException or ReflectionTypeLoadException)
        {
            return;
        }
        lock (_lock)
        {
            if (!_registered.Add(assembly))
                return;
            foreach (LoadableClassAttribute info in declared.Classes)
            {
                foreach (Type signature in info.SigTypes)
                {
                    foreach (string name in info.LoadNames)
                    {
                        var key = (signature, Normalize(name));
                        if (_classes.TryAdd(key, info) || _classes[key].LoaderType == info.LoaderType || !throwOnError)
                            continue;
                        throw new InvalidOperationException(
                            $"Load name '{name}' is used by {_classes[key].LoaderType.AssemblyQualifiedName} and by {info.LoaderType.AssemblyQualifiedName}");
                    }
                }
            }
            foreach (((Type, string) key, Type type) in declared.Extensions)
            {
                if (!_extensions.TryAdd(key, type) && _extensions[key] != type && throwOnError)
                    throw new InvalidOperationException($"Contract '{key.Item2}' is provided by {_extensions[key].AssemblyQualifiedName} and by {type.AssemblyQualifiedName}");
            }
        }
    }

    /// <summary>Registers every loaded assembly that can declare anything, so that users need not.</summary>
    internal void RegisterLoadedAssemblies()
    {
        foreach (Assembly assembly in AppDomain.CurrentDomain.GetAssemblies())
        {
            if (!assembly.IsDynamic && _mayDeclare.GetOrAdd(assembly, ReferencesThis))
                RegisterAssembly(assembly, throwOnError: false);
        }
    }

    /// <summary>Registers the assembly that a model file names as its loader's.</summary>
    /// <exception cref="FormatException">It cannot be found or loaded.</exception>
    internal void RegisterAssemblyByName(string fullName)
    {
        if (string.IsNullOrEmpty(fullName))
            return;
        Assembly assembly;
        try
        {
            var name = new AssemblyName(fullName);
            assembly = AppDomain.CurrentDomain.GetAssemblies().FirstOrDefault(a => !a.IsDynamic && a.GetName().Name == name.Name)
                // The version in the file is the writer's: any version of the assembly may read it.
                ?? Assembly.Load(new AssemblyName { Name = name.Name });
        }
        catch (Exception e) when (e is IOException or BadImageFormatException or ArgumentException)
        {
            throw new FormatException($"The model needs the assembly '{fullName}', which cannot be loaded. Reference its package in your project", e);
        }
        RegisterAssembly(assembly, throwOnError: false);
    }

    internal bool IsKnown(Type signature, string name) => Find(signature, name) is not null;

    /// <summary>Makes an instance of the class that answers to this name; false where there is none.</summary>
    internal bool TryCreateInstance<TRes>(IHostEnvironment env, Type signature, string name, object[] args, out TRes result)
        where TRes : class
    {
        result = null;
        if (string.IsNullOrEmpty(name) || Find(signature, name) is not { } info)
            return false;
        object made = Create(env, info, args);
        result = made as TRes
            ?? throw env.ExceptDecode($"'{name}' loads a {made?.GetType().FullName ?? "null"}, where a {typeof(TRes).FullName} is expected");
        return true;
    }

    /// <summary>An instance of the class that provides this contract.</summary>
    /// <exception cref="InvalidOperationException">No registered assembly has one.</exception>
    internal object GetExtensionValue(IHostEnvironment env, Type attributeType, string contractName)
    {
        if (!TryGetExtension(attributeType, contractName, out Type type))
        {
            RegisterLoadedAssemblies();
            if (!TryGetExtension(attributeType, contractName, out type))
                throw env.Except($"Class with contract name '{contractName}' not found. Register its assembly with MLContext.ComponentCatalog.RegisterAssembly");
        }
        return Activator.CreateInstance(type, nonPublic: true);
    }

    private bool TryGetExtension(Type attributeType, string contractName, out Type type)
    {
        lock (_lock)
            return _extensions.TryGetValue((attributeType, contractName), out type);
    }

    private LoadableClassAttribute Find(Type signature, string name)
    {
        var key = (signature, Normalize(name));
        lock (_lock)
        {
            if (_classes.TryGetValue(key, out LoadableClassAttribute info))
                return info;
        }
        RegisterLoadedAssemblies();
        lock (_lock)
            return _classes.GetValueOrDefault(key);
    }

    private static string Normalize(string name) => name.ToLowerInvariant().Trim();

    private static object Create(IHostEnvironment env, LoadableClassAttribute info, object[] args)
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
        object[] withEnv = [env, .. args];
        try
        {
            foreach (object[] candidate in new[] { withEnv, args })
            {
                foreach (MethodInfo method in info.LoaderType.GetMethods(All | BindingFlags.Static))
                {
                    if (method.Name == "Create" && !method.IsGenericMethodDefinition && info.InstanceType.IsAssignableFrom(method.ReturnType) && Accepts(method, candidate))
                        return method.Invoke(null, candidate);
                }
                foreach (ConstructorInfo constructor in info.LoaderType.GetConstructors(All | BindingFlags.Instance))
                {
                    if (info.InstanceType.IsAssignableFrom(info.LoaderType) && Accepts(constructor, candidate))
                        return constructor.Invoke(candidate);
                }
            }
        }
        catch (TargetInvocationException e)
        {
            // The user sees what went wrong, not how it was called.
            ExceptionDispatchInfo.Throw(e.InnerException);
        }
        throw env.Except($"{info.LoaderType} has neither a static Create method nor a constructor for ({string.Join(", ", withEnv.Select(a => a?.GetType().Name))})");
    }

    private static bool Accepts(MethodBase method, object[] args)
    {
        ParameterInfo[] parameters = method.GetParameters();
        if (parameters.Length != args.Length)
            return false;
        for (int i = 0; i < args.Length; i++)
        {
            if (args[i] is null ? parameters[i].ParameterType.IsValueType : !parameters[i].ParameterType.IsInstanceOfType(args[i]))
                return false;
        }
        return true;
    }

    private static bool ReferencesThis(Assembly assembly)
    {
        Assembly core = typeof(ComponentCatalog).Assembly;
        return assembly == core || assembly.GetReferencedAssemblies().Any(name => name.Name == core.GetName().Name);
    }

    private static Declarations Read(Assembly assembly)
    {
        LoadableClassAttribute[] classes = assembly.GetCustomAttributes<LoadableClassAttribute>().ToArray();
        var extensions = new List<((Type, string), Type)>();
        foreach (Type type in LoadableTypes(assembly))
        {
            if (!type.IsClass || type.IsAbstract || !type.IsDefined(typeof(ExtensionBaseAttribute), inherit: false))
                continue;
            ExtensionBaseAttribute attribute = type.GetCustomAttribute<ExtensionBaseAttribute>(inherit: false);
            extensions.Add(((attribute.GetType(), attribute.ContractName), type));
        }
        return new Declarations(classes, extensions);
    }

    private static IEnumerable<Type> LoadableTypes(Assembly assembly)
    {
        try
        {
            return assembly.GetTypes();
        }
        catch (ReflectionTypeLoadException e)
        {
            // Types that refer to assemblies which are not there cannot be extensions, but their neighbours can.
            return e.Types.Where(type => type is not null);
        }
    }

    private sealed record Declarations(LoadableClassAttribute[] Classes, List<((Type, string) Key, Type Type)> Extensions);
}
