using System.Globalization;
using System.IO.Compression;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Microsoft.ML.Tests.Surface;

/// <summary>Writes the public members of an assembly in the form of the lists of the official ones.</summary>
internal static class ApiSurface
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<Type, string> _keywords = new()
    {
        [typeof(bool)] = "bool", [typeof(byte)] = "byte", [typeof(sbyte)] = "sbyte", [typeof(char)] = "char", [typeof(short)] = "short",
        [typeof(ushort)] = "ushort", [typeof(int)] = "int", [typeof(uint)] = "uint", [typeof(long)] = "long", [typeof(ulong)] = "ulong",
        [typeof(float)] = "float", [typeof(double)] = "double", [typeof(string)] = "string", [typeof(object)] = "object", [typeof(void)] = "void",
    };

    /// <summary>The official list: what stands before the bar, and what stands after it.</summary>
    public static Dictionary<string, string> ReadList(string assembly)
    {
        using Stream stream = typeof(ApiSurface).Assembly.GetManifestResourceStream($"{assembly}.txt.gz")
            ?? throw new FileNotFoundException($"No list of {assembly}");
        using var reader = new StreamReader(new GZipStream(stream, CompressionMode.Decompress));
        var members = new Dictionary<string, string>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            int bar = line.IndexOf(" | ", StringComparison.Ordinal);
            members[bar < 0 ? line : line[..bar]] = bar < 0 ? "" : line[(bar + 3)..];
        }
        return members;
    }

    /// <summary>Every public type and member of an assembly.</summary>
    public static IEnumerable<(string Id, string Signature)> Members(Assembly assembly)
    {
        foreach (Type type in assembly.GetTypes().Where(IsVisible))
        {
            string name = (type.FullName ?? type.Name).Split('[')[0];
            yield return ($"T:{name}", "");
            if (typeof(Delegate).IsAssignableFrom(type))
                continue;
            if (type.IsEnum)
            {
                foreach (FieldInfo field in type.GetFields(BindingFlags.Public | BindingFlags.Static))
                    yield return ($"M:{name}.{field.Name} = {Convert.ToString(field.GetRawConstantValue(), CultureInfo.InvariantCulture)}", "");
                continue;
            }
            foreach (MemberInfo member in type.GetMembers(Declared))
            {
                if (Describe(type, name, member) is { } described)
                    yield return described;
            }
        }
    }

    private static bool IsVisible(Type type) => type.IsNested ? type.IsNestedPublic && IsVisible(type.DeclaringType!) : type.IsPublic;

    private static bool IsVisible(MethodBase? method) => method is not null && (method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly);

    private static (string, string)? Describe(Type type, string typeName, MemberInfo member)
    {
        switch (member)
        {
            case ConstructorInfo { IsStatic: false } constructor when IsVisible(constructor):
                return ($"M:{typeName}..ctor({Types(constructor)})", $"{Access(constructor)} {Bare(type)}({Parameters(constructor)})");
            case MethodInfo method when IsVisible(method) && !method.IsSpecialName:
                string generic = method.IsGenericMethodDefinition ? $"<{string.Join(",", method.GetGenericArguments().Select(a => a.Name))}>" : "";
                string genericSpaced = generic.Replace(",", ", ", StringComparison.Ordinal);
                string extension = method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "";
                return (
                    $"M:{typeName}.{method.Name}{generic}({Types(method)})",
                    $"{Modifiers(type, method)} {Name(method.ReturnType)} {method.Name}{genericSpaced}({extension}{Parameters(method)}){Constraints(method)}");
            case PropertyInfo property when IsVisible(property.GetMethod) || IsVisible(property.SetMethod):
                MethodInfo accessor = (IsVisible(property.GetMethod) ? property.GetMethod : property.SetMethod)!;
                ParameterInfo[] index = property.GetIndexParameters();
                string accessors = (IsVisible(property.GetMethod) ? "get; " : "") + (IsVisible(property.SetMethod) ? "set; " : "");
                string id = index.Length == 0 ? property.Name : $"Item[{string.Join(",", index.Select(p => Name(p.ParameterType)))}]";
                string display = index.Length == 0 ? property.Name : $"this[{string.Join(", ", index.Select(p => $"{Name(p.ParameterType)} {p.Name}"))}]";
                return ($"M:{typeName}.{id}", $"property {Modifiers(type, accessor)} {Name(property.PropertyType)} {display} {{ {accessors}}}");
            case FieldInfo field when field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly:
                string kind = field.IsLiteral ? "const " : (field.IsStatic ? "static " : "") + (field.IsInitOnly ? "readonly " : "");
                return ($"M:{typeName}.{field.Name}", $"field {(field.IsPublic ? "public" : "protected")} {kind}{Name(field.FieldType)} {field.Name}");
            case EventInfo @event when IsVisible(@event.AddMethod):
                return ($"M:{typeName}.{@event.Name}", $"event public {Name(@event.EventHandlerType!)} {@event.Name}");
            default:
                return null;
        }
    }

    private static string Access(MethodBase method) => method.IsPublic ? "public" : "protected";

    private static string Modifiers(Type type, MethodInfo method)
    {
        if (type.IsInterface)
            return "public";
        string text = Access(method);
        if (method.IsStatic)
            return $"{text} static";
        bool overrides = method.GetBaseDefinition() != method;
        if (overrides)
            return text + (method.IsFinal ? " sealed override" : " override");
        return text + (method.IsAbstract ? " abstract" : method.IsVirtual && !method.IsFinal ? " virtual" : "");
    }

    private static string Types(MethodBase method) => string.Join(",", method.GetParameters().Select(p =>
        p.ParameterType.IsByRef ? $"ref {Name(p.ParameterType.GetElementType()!)}" : Name(p.ParameterType)));

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
    {
        Type type = parameter.ParameterType.IsByRef ? parameter.ParameterType.GetElementType()! : parameter.ParameterType;
        string prefix = parameter.IsOut ? "out " : parameter.ParameterType.IsByRef ? "ref " : parameter.IsDefined(typeof(ParamArrayAttribute)) ? "params " : "";
        return $"{prefix}{Name(type)} {parameter.Name}{(parameter.HasDefaultValue ? $" = {Default(parameter, type)}" : "")}";
    }));

    private static string Default(ParameterInfo parameter, Type type)
    {
        object? value = parameter.RawDefaultValue;
        Type plain = Nullable.GetUnderlyingType(type) ?? type;
        return value switch
        {
            null => "null",
            _ when plain.IsEnum => $"{Name(plain)}.{Enum.GetName(plain, value)}",
            bool flag => flag ? "true" : "false",
            string text => $"\"{text}\"",
            char c => c == '\t' ? "'\\t'" : $"'{c}'",
            double number when double.IsInfinity(number) => number > 0 ? "Infinityd" : "-Infinityd",
            double number => number.ToString(CultureInfo.InvariantCulture) + "d",
            float number => number.ToString(CultureInfo.InvariantCulture) + "f",
            _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        };
    }

    private static string Constraints(MethodInfo method)
    {
        var text = new StringBuilder();
        foreach (Type argument in method.IsGenericMethodDefinition ? method.GetGenericArguments() : [])
        {
            var parts = new List<string>();
            GenericParameterAttributes attributes = argument.GenericParameterAttributes;
            if ((attributes & GenericParameterAttributes.ReferenceTypeConstraint) != 0)
                parts.Add("class");
            parts.AddRange(argument.GetGenericParameterConstraints().Select(Name));
            if ((attributes & GenericParameterAttributes.DefaultConstructorConstraint) != 0)
                parts.Add("new()");
            if (parts.Count > 0)
                text.Append($" where {argument.Name} : {string.Join(", ", parts)}");
        }
        return text.ToString();
    }

    private static string Bare(Type type) => type.Name.Split('`')[0];

    private static string Name(Type type)
    {
        if (type.IsGenericParameter)
            return type.Name;
        if (type.IsArray)
            return $"{Name(type.GetElementType()!)}[]";
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return $"{Name(underlying)}?";
        if (_keywords.TryGetValue(type, out string? keyword))
            return keyword;
        Type[] arguments = type.GetGenericArguments();
        int outer = type.DeclaringType?.GetGenericArguments().Length ?? 0;
        string prefix = type.DeclaringType is null
            ? $"{type.Namespace}."
            : $"{Name(outer > 0 && type.DeclaringType.IsGenericTypeDefinition ? type.DeclaringType.MakeGenericType(arguments[..outer]) : type.DeclaringType)}.";
        string own = arguments.Length > outer ? $"<{string.Join(", ", arguments.Skip(outer).Select(Name))}>" : "";
        return prefix + Bare(type) + own;
    }
}
