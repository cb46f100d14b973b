using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace TorchSharp.Tests.Surface;

/// <summary>Writes members as the lists of the official surfaces do, less what callers cannot see (virtual, namespaces of System).</summary>
internal static class SurfaceFormatter
{
    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void", [typeof(bool)] = "bool", [typeof(byte)] = "byte", [typeof(sbyte)] = "sbyte", [typeof(short)] = "short", [typeof(ushort)] = "ushort",
        [typeof(int)] = "int", [typeof(uint)] = "uint", [typeof(long)] = "long", [typeof(ulong)] = "ulong", [typeof(float)] = "float", [typeof(double)] = "double",
        [typeof(string)] = "string", [typeof(object)] = "object", [typeof(char)] = "char", [typeof(nint)] = "nint", [typeof(decimal)] = "decimal",
    };

    internal static IEnumerable<string> Members(Type type)
    {
        var owner = TypeName(type) + " :: ";
        const BindingFlags Declared = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        if (type.IsEnum)
        {
            foreach (var field in type.GetFields(BindingFlags.Public | BindingFlags.Static))
                yield return $"{owner}{field.Name} = {Convert.ToString(field.GetRawConstantValue(), CultureInfo.InvariantCulture)}";
            yield break;
        }
        foreach (var constructor in type.GetConstructors(Declared).Where(c => !c.IsStatic && !(type.IsValueType && c.GetParameters().Length == 0)))
            yield return $"{owner}public .ctor({Parameters(constructor)})";
        foreach (var field in type.GetFields(Declared))
            yield return $"{owner}public {(field.IsStatic ? "static " : "")}{Type(field.FieldType, field)} {field.Name}";
        foreach (var property in type.GetProperties(Declared))
        {
            var accessor = property.GetMethod ?? property.SetMethod;
            if (IsOverride(accessor)) continue;
            var access = (property.GetMethod?.IsPublic == true ? "get; " : "") + (property.SetMethod?.IsPublic == true ? "set; " : "");
            var index = property.GetIndexParameters();
            var name = index.Length == 0 ? property.Name : $"this[{string.Join(", ", index.Select(Parameter))}]";
            yield return $"{owner}public {(accessor.IsStatic ? "static " : "")}{Type(property.PropertyType, property)} {name} {{ {access}}}";
        }
        foreach (var method in type.GetMethods(Declared).Where(m => (!m.IsSpecialName || m.Name.StartsWith("op_", StringComparison.Ordinal)) && !IsOverride(m)))
        {
            var generic = method.IsGenericMethodDefinition ? $"<{string.Join(",", method.GetGenericArguments().Select(a => a.Name))}>" : "";
            var extension = method.IsDefined(typeof(ExtensionAttribute), false) ? "this " : "";
            yield return $"{owner}public {(method.IsStatic ? "static " : "")}{Type(method.ReturnType, method.ReturnParameter)} {method.Name}{generic}({extension}{Parameters(method)})";
        }
    }

    internal static string TypeName(Type type)
    {
        var name = type.Name.Split('`')[0];
        var own = type.GetGenericArguments().Skip(type.DeclaringType?.GetGenericArguments().Length ?? 0).ToArray();
        if (own.Length > 0) name += $"<{string.Join(",", own.Select(a => Walk(a, null)))}>";
        if (type.DeclaringType is { } outer) return TypeName(outer) + "." + name;
        var space = type.Namespace ?? "";
        if (!space.StartsWith("TorchSharp", StringComparison.Ordinal)) return name;
        return space.Length == 10 ? name : space[11..] + "." + name;
    }

    private static bool IsOverride(MethodInfo method) => method.GetBaseDefinition() != method;

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        var prefix = parameter.IsDefined(typeof(ParamArrayAttribute), false) ? "params " : parameter.ParameterType.IsByRef ? (parameter.IsOut ? "out " : "ref ") : "";
        var text = $"{prefix}{Type(parameter.ParameterType, parameter)} {parameter.Name}";
        return parameter.HasDefaultValue ? $"{text} = {Default(parameter)}" : text;
    }

    private static string Default(ParameterInfo parameter)
    {
        var value = parameter.DefaultValue;
        var type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        return value switch
        {
            null => type.IsValueType && Nullable.GetUnderlyingType(parameter.ParameterType) is null ? "default" : "null",
            bool b => b ? "true" : "false",
            string s => $"\"{s}\"",
            char c => $"'{c}'",
            _ when type.IsEnum => $"{TypeName(type)}.{Enum.GetName(type, value)}",
            _ => Convert.ToString(value, CultureInfo.InvariantCulture),
        };
    }

    private static string Type(Type type, ICustomAttributeProvider names)
    {
        var attribute = (TupleElementNamesAttribute)names?.GetCustomAttributes(typeof(TupleElementNamesAttribute), false).FirstOrDefault();
        var queue = attribute is null ? null : new Queue<string>(attribute.TransformNames);
        return Walk(type, queue);
    }

    // Tuple element names come in the order of a walk over the type, each tuple's own names before those inside it.
    private static string Walk(Type type, Queue<string> names)
    {
        if (type.IsByRef) return Walk(type.GetElementType(), names);
        if (Keywords.TryGetValue(type, out var keyword)) return keyword;
        if (type.IsArray) return $"{Walk(type.GetElementType(), names)}[{new string(',', type.GetArrayRank() - 1)}]";
        if (Nullable.GetUnderlyingType(type) is { } inner) return Walk(inner, names) + "?";
        if (type.IsGenericParameter) return type.Name;
        if (type.FullName?.StartsWith("System.ValueTuple`", StringComparison.Ordinal) == true || (type.IsGenericType && type.Name.StartsWith("ValueTuple`", StringComparison.Ordinal)))
        {
            var items = type.GetGenericArguments();
            var own = items.Select(_ => names is { Count: > 0 } ? names.Dequeue() : null).ToArray();
            return $"({string.Join(", ", items.Select((t, k) => Walk(t, names) + (own[k] is { } n ? " " + n : "")))})";
        }
        if (!type.IsGenericType) return TypeName(type);
        var name = type.GetGenericTypeDefinition();
        var plain = TypeName(name);
        var open = plain.IndexOf('<', StringComparison.Ordinal);
        // A type inside a generic one has its outer type's arguments.
        var rest = plain[(plain.IndexOf('>', StringComparison.Ordinal) + 1)..];
        return $"{plain[..open]}<{string.Join(",", type.GetGenericArguments().Select(a => Walk(a, names)))}>{rest}";
    }
}
